/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/names/question.h"

/* As glibc writes it. */
static size_t make_question(const char *name, int type, uint8_t *data, size_t size)
{
	int bytes = dn_comp(name, data, (int)size - 4, NULL, NULL);

	assert_true(bytes > 0);
	data[bytes] = (uint8_t)(type >> 8);
	data[bytes + 1] = (uint8_t)type;
	data[bytes + 2] = 0;
	data[bytes + 3] = ns_c_in;
	return (size_t)bytes + 4;
}

static struct question parse(const char *name, int type)
{
	uint8_t data[512];
	struct question question;

	assert_int_equal(
		question_parse(data, make_question(name, type, data, sizeof(data)), &question), 0);
	return question;
}

static void the_domain_is_what_somebody_can_register(void **state)
{
	static const struct {
		const char *name, *domain;
	} names[] = {
		{"www.example.test", "example.test"},
		{"a.b.c.example.test", "example.test"},
		{"example.test", "example.test"},
		{"a.example.com.cn", "example.com.cn"},
		{"a.example.co.uk", "example.co.uk"},
		{"a.co.test", "co.test"},
		{"com.cn", "com.cn"},
		{"localhost", "localhost"},
		{"WWW.Example.TEST", "example.test"},
		{".", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct question question = parse(names[i].name, ns_t_a);

		assert_string_equal(question.domain, names[i].domain);
	}
}

static void what_stands_before_the_domain_is_measured(void **state)
{
	struct question question = parse("mfrggzdfmztwq2lk.00017.leak.test", ns_t_txt);

	(void)state;
	assert_int_equal(question.below_bytes, 16 + 5);
	assert_int_equal(question.longest_bytes, 16);
	assert_int_equal(question.type, ns_t_txt);
	question = parse("leak.test", ns_t_a);
	assert_int_equal(question.below_bytes, 0);
	assert_int_equal(question.longest_bytes, 0);
}

static void letters_of_either_case_make_one_name(void **state)
{
	struct question a = parse("AbC.leak.test", ns_t_a), b = parse("aBc.LEAK.test", ns_t_a);

	(void)state;
	assert_int_equal(a.name_bytes, b.name_bytes);
	assert_memory_equal(a.name, b.name, a.name_bytes);
}

static void the_longest_name_there_is_has_room(void **state)
{
	char name[256] = "";
	struct question question;

	(void)state;
	for (int i = 0; i < 126; i++)
		strcat(name, "a.");
	strcat(name, "b");
	question = parse(name, ns_t_a);
	assert_int_equal(question.name_bytes, 254);
	assert_int_equal(question.below_bytes, 125);
	assert_string_equal(question.domain, "a.b");
}

static void letters_that_no_host_has_are_not_shown(void **state)
{
	static const uint8_t data[] = "\x03x\ny\x04l<\xe5k\x04test\0\0\x01\0\x01";
	struct question question;

	(void)state;
	assert_int_equal(question_parse(data, sizeof(data) - 1, &question), 0);
	assert_string_equal(question.domain, "l??k.test");
}

static void what_is_cut_or_points_elsewhere_is_refused(void **state)
{
	static const uint8_t pointer[] = "\x01z\xc0\x0c\0\x01\0\x01";
	uint8_t data[512], filled[300];
	size_t size = make_question("www.leak.test", ns_t_a, data, sizeof(data));
	struct question question;

	(void)state;
	for (size_t i = 0; i < size; i++)
		assert_int_equal(question_parse(data, i, &question), -EBADMSG);
	assert_int_equal(question_parse(data, size + 1, &question), -EBADMSG);
	assert_int_equal(question_parse(pointer, sizeof(pointer) - 1, &question), -EBADMSG);
	memset(filled, 1, sizeof(filled));
	assert_int_equal(question_parse(filled, sizeof(filled), &question), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_domain_is_what_somebody_can_register),
		cmocka_unit_test(what_stands_before_the_domain_is_measured),
		cmocka_unit_test(letters_of_either_case_make_one_name),
		cmocka_unit_test(the_longest_name_there_is_has_room),
		cmocka_unit_test(letters_that_no_host_has_are_not_shown),
		cmocka_unit_test(what_is_cut_or_points_elsewhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
