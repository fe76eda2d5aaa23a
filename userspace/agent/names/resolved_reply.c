/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/resolved_reply.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"

/* The reply has none: no less than most names are kept for. */
#define TTL_S 300

DEFINE_CLEANUP(json_freep, json_t, json_decref)

/* Behind aliases the question is what they lead to, and what was asked for stands among those that
 * led there, the first one first. */
static const char *find_name(json_t *reply)
{
	static const char *const lists[] = {"collectedQuestions", "question"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t *question = json_array_get(json_object_get(reply, lists[i]), 0);
		const char *name = json_string_value(json_object_get(question, "name"));

		if (name)
			return name;
	}
	return NULL;
}

static void add_address(json_t *record, struct answer *answer)
{
	json_t *bytes = json_object_get(record, "address");
	uint8_t address[NS_IN6ADDRSZ];
	size_t n = json_array_size(bytes);

	if (n > sizeof(address))
		return;
	for (size_t i = 0; i < n; i++) {
		json_int_t byte = json_integer_value(json_array_get(bytes, i));

		if (byte < 0 || byte > UINT8_MAX)
			return;
		address[i] = (uint8_t)byte;
	}
	answer_add_address(answer, address, n, TTL_S);
}

int resolved_reply_parse(const char *text, size_t size, struct answer *ret_answer)
{
	_cleanup_(json_freep) json_t *reply = json_loadb(text, size, 0, NULL);
	json_t *parameters = json_object_get(reply, "parameters"), *list, *one;
	const char *name = find_name(parameters);
	struct answer answer = {};
	size_t i;

	/* The first reply says only that others will follow. */
	if (!json_is_object(parameters) ||
	    (!name && !json_is_true(json_object_get(parameters, "ready"))))
		return -EBADMSG;
	list = json_object_get(parameters, "answer");
	if (name && answer_set_name(&answer, name))
		json_array_foreach(list, i, one)
			add_address(json_object_get(one, "rr"), &answer);
	*ret_answer = answer;
	return 0;
}
