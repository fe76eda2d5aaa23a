/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_shape.h"

static void signs_classes_and_repetitions_are_understood(void **state)
{
	struct policy_shape shape;
	const char *why = NULL;

	(void)state;
	assert_int_equal(policy_shape_parse("P20\\d{8}", &shape, &why), 0);
	assert_int_equal(shape.n_atoms, 4);
	assert_true(policy_shape_fits(&shape.atoms[0], 'P'));
	assert_false(policy_shape_fits(&shape.atoms[0], 'p'));
	assert_true(policy_shape_fits(&shape.atoms[3], '0'));
	assert_false(policy_shape_fits(&shape.atoms[3], 'a'));
	assert_int_equal(shape.atoms[3].least, 8);
	assert_int_equal(shape.atoms[3].most, 8);
	assert_int_equal(policy_shape_least_bytes(&shape), 11);

	assert_int_equal(policy_shape_parse("[A-Z0-9 -]{2,5}\\.\\a+x?", &shape, &why), 0);
	assert_int_equal(shape.n_atoms, 4);
	for (const char *c = "AZ09 -"; *c; c++)
		assert_true(policy_shape_fits(&shape.atoms[0], (uint8_t)*c));
	assert_int_equal(shape.atoms[0].least, 2);
	assert_int_equal(shape.atoms[0].most, 5);
	assert_true(policy_shape_fits(&shape.atoms[1], '.'));
	assert_true(policy_shape_fits(&shape.atoms[2], 'q'));
	assert_int_equal(shape.atoms[2].most, 0);
	assert_int_equal(shape.atoms[3].least, 0);
	assert_int_equal(policy_shape_least_bytes(&shape), 4);
}

static void what_is_no_shape_is_refused_with_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"", "not empty"},
		{"P20.*", "a backslash before it"},
		{"(P|Q)20", "no groups"},
		{"^P20", "anchors"},
		{"P20\\w", "behind a backslash"},
		{"P20\\", "behind a backslash"},
		{"P[A-Z", "ends with \"]\""},
		{"P[Z-A]", "ranges that go up"},
		{"{3}P", "stands behind a sign"},
		{"P??", "stands behind a sign"},
		{"P{8", "{N} or {N,M}"},
		{"P{}", "{N} or {N,M}"},
		{"P{0}", "{N} or {N,M}"},
		{"P{9,3}", "{N} or {N,M}"},
		{"P{129}", "{N} or {N,M}"},
		{"P\\d{100}\\d{100}", "128 bytes at most"},
		{"保单\\d{8}", "plain ASCII"},
		{"P 20\\d{8}", "plain ASCII"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "32 parts"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct policy_shape shape = {.n_atoms = 77};
		const char *why = "";

		assert_int_equal(policy_shape_parse(wrong[i].text, &shape, &why), -EINVAL);
		if (!strstr(why, wrong[i].why))
			fail_msg("\"%s\": \"%s\" is not about \"%s\"", wrong[i].text, why,
				 wrong[i].why);
		assert_int_equal(shape.n_atoms, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_classes_and_repetitions_are_understood),
		cmocka_unit_test(what_is_no_shape_is_refused_with_what_would_be_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
