/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/question.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LABEL_BYTES 63
#define LABELS_MAX 128
#define TYPE_BYTES 4 /* and class */

struct label {
	size_t at; /* of its letters in the name */
	size_t bytes;
};

static uint8_t lower(uint8_t letter)
{
	return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter - 'A' + 'a') : letter;
}

/* Servers give a name back in the letters that it was asked in, and some resolvers mix them. */
static void copy_lower(const uint8_t *from, size_t size, uint8_t *to)
{
	for (size_t i = 0; i < size; i++)
		to[i] = lower(from[i]);
}

/* Returns how many labels the name has, -EBADMSG. No pointers: there is nothing to point to. */
static int split(const uint8_t *data, size_t size, struct label labels[static LABELS_MAX],
		 size_t *ret_end)
{
	size_t at = 0;
	int n = 0;

	while (at < size && data[at]) {
		size_t bytes = data[at];

		if (bytes > LABEL_BYTES || bytes >= size - at || n == LABELS_MAX)
			return -EBADMSG;
		labels[n++] = (struct label){at + 1, bytes};
		at += 1 + bytes;
	}
	if (at >= size || at >= QUESTION_NAME_BYTES)
		return -EBADMSG;
	*ret_end = at;
	return n;
}

/* What registries of countries sell names below. */
static bool is_registry(const uint8_t *letters, size_t bytes)
{
	static const char *const words[] = {"com", "net", "org", "edu", "gov", "mil", "ac",  "co",
					    "or",  "ne",  "go",  "gob", "nom", "idv", "ltd", "plc"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == bytes && memcmp(words[i], letters, bytes) == 0)
			return true;
	return false;
}

static int count_domain_labels(const uint8_t *name, const struct label *labels, int n_labels)
{
	const struct label *second;

	if (n_labels <= 2)
		return n_labels;
	second = &labels[n_labels - 2];
	return labels[n_labels - 1].bytes == 2 && is_registry(name + second->at, second->bytes) ? 3
												: 2;
}

/* Letters that are in no host's name are not shown as they are. */
static void write_domain(const uint8_t *name, const struct label *labels, int n_labels,
			 char domain[static QUESTION_NAME_BYTES + 1])
{
	size_t at = 0;

	for (int i = 0; i < n_labels; i++) {
		if (i > 0)
			domain[at++] = '.';
		for (size_t j = 0; j < labels[i].bytes; j++) {
			uint8_t letter = name[labels[i].at + j];
			bool is_plain = (letter >= 'a' && letter <= 'z') ||
					(letter >= '0' && letter <= '9') || letter == '-' ||
					letter == '_';

			domain[at++] = is_plain ? (char)letter : '?';
		}
	}
	domain[at] = '\0';
}

int question_parse(const uint8_t *data, size_t size, struct question *ret_question)
{
	struct label labels[LABELS_MAX];
	struct question question = {};
	int n_labels, n_below;

	n_labels = split(data, size, labels, &question.name_bytes);
	if (n_labels < 0 || size - question.name_bytes != 1 + TYPE_BYTES)
		return -EBADMSG;
	copy_lower(data, question.name_bytes, question.name);
	n_below = n_labels - count_domain_labels(question.name, labels, n_labels);
	for (int i = 0; i < n_below; i++) {
		question.below_bytes += labels[i].bytes;
		if (labels[i].bytes > question.longest_bytes)
			question.longest_bytes = labels[i].bytes;
	}
	write_domain(question.name, labels + n_below, n_labels - n_below, question.domain);
	question.type =
		(uint16_t)(data[question.name_bytes + 1] << 8 | data[question.name_bytes + 2]);
	*ret_question = question;
	return 0;
}
