/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/names/resolved_reply.h"

/* As systemd-resolved 252 says it. */
#define ALIASED                                                                          \
	"{\"parameters\":{\"state\":\"success\",\"question\":["                          \
	"{\"class\":1,\"type\":1,\"name\":\"mail.test\"},"                               \
	"{\"class\":1,\"type\":28,\"name\":\"mail.test\"}],"                             \
	"\"collectedQuestions\":[{\"class\":1,\"type\":1,\"name\":\"WWW.test\"}],"       \
	"\"answer\":[{\"rr\":{\"key\":{\"class\":1,\"type\":1,\"name\":\"mail.test\"},"  \
	"\"address\":[10,77,0,30]},\"raw\":\"BG1haWwEdGVzdAAAAQABAAAAAAAECk0AHg==\"}]}," \
	"\"continues\":true}"
#define ONLY_ALIAS                                                                             \
	"{\"parameters\":{\"state\":\"success\",\"question\":["                                \
	"{\"class\":1,\"type\":1,\"name\":\"www.test\"}],\"answer\":[{\"rr\":{\"key\":{"       \
	"\"class\":1,\"type\":5,\"name\":\"www.test\"},\"name\":\"mail.test\"},\"raw\":\"\"}]" \
	"},\"continues\":true}"
#define NO_NETWORK                                                   \
	"{\"parameters\":{\"state\":\"network-down\",\"question\":[" \
	"{\"class\":1,\"type\":1,\"name\":\"mail.test\"}]},\"continues\":true}"
#define READY "{\"parameters\":{\"ready\":true},\"continues\":true}"

#define PARSE(text, answer) resolved_reply_parse(text, strlen(text), answer)

static void an_address_has_the_name_that_was_asked_for(void **state)
{
	struct in6_addr wanted;
	struct answer answer;

	(void)state;
	inet_pton(AF_INET6, "::ffff:10.77.0.30", &wanted);
	assert_int_equal(PARSE(ALIASED, &answer), 0);
	assert_string_equal(answer.name, "www.test");
	assert_int_equal(answer.n_addresses, 1);
	assert_memory_equal(&answer.addresses[0].address, &wanted, sizeof(wanted));
	assert_true(answer.addresses[0].ttl_s > 0);
}

static void what_has_no_address_names_none(void **state)
{
	static const char *const replies[] = {ONLY_ALIAS, NO_NETWORK, READY};
	struct answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		assert_int_equal(PARSE(replies[i], &answer), 0);
		assert_int_equal(answer.n_addresses, 0);
	}
}

static void what_is_no_address_is_left_out(void **state)
{
	static const char *const addresses[] = {"[10,77,0]",
						"[10,77,0,256]",
						"[10,77,0,-1]",
						"\"10.77.0.30\"",
						"{}",
						"null",
						"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"};
	struct answer answer;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"parameters\":{\"question\":[{\"name\":\"a.test\"}],"
			 "\"answer\":[{\"rr\":{\"address\":%s}}]}}",
			 addresses[i]);
		assert_int_equal(PARSE(text, &answer), 0);
		assert_int_equal(answer.n_addresses, 0);
	}
}

static void what_is_no_reply_is_refused(void **state)
{
	static const char *const replies[] = {"",
					      "{",
					      "[]",
					      "{\"error\":\"io.systemd.System\"}",
					      "{\"parameters\":[]}",
					      "{\"parameters\":{\"answer\":[]}}"};
	struct answer answer = {.name = "untouched"};

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_int_equal(PARSE(replies[i], &answer), -EBADMSG);
	assert_string_equal(answer.name, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_the_name_that_was_asked_for),
		cmocka_unit_test(what_has_no_address_names_none),
		cmocka_unit_test(what_is_no_address_is_left_out),
		cmocka_unit_test(what_is_no_reply_is_refused),
	};

	return cmocka_run_group_tests_name("resolved's replies", tests, NULL, NULL);
}
