/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as the question of a DNS query: what is taken for one is measured within itself, and
 * its domain is one line of a host's letters. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct question question;

	if (question_parse(data, size, &question) < 0)
		return 0;
	require(question.name_bytes <= sizeof(question.name) && question.name_bytes < size);
	require(question.below_bytes <= question.name_bytes);
	require(question.longest_bytes <= question.below_bytes && question.longest_bytes < 64);
	require(memchr(question.domain, '\0', sizeof(question.domain)) != NULL);
	for (const char *at = question.domain; *at; at++)
		require(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.?", *at) != NULL);
	return 0;
}
