/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a reply of systemd-resolved: what is taken for a name is one of a host. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names/resolved_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer answer;

	if (resolved_reply_parse((const char *)data, size, &answer) < 0)
		return 0;
	require(answer.n_addresses <= ANSWER_ADDRESSES_MAX);
	require(memchr(answer.name, '\0', sizeof(answer.name)) != NULL);
	require(answer.n_addresses == 0 || answer.name[0]);
	require(answer.n_addresses == 0 ||
		strspn(answer.name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
			strlen(answer.name));
	return 0;
}
