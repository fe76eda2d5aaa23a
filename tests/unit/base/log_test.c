/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"

static char captured[16384];

/* What fn writes to stderr. */
static const char *when_logged_by(void (*fn)(void))
{
	_cleanup_close_ int saved = dup(STDERR_FILENO);
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(stderr);
	dup2(ends[1], STDERR_FILENO);
	fn();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(ends[1]);
	n = read(ends[0], captured, sizeof(captured) - 1);
	assert_true(n >= 0);
	captured[n] = '\0';
	close(ends[0]);
	return captured;
}

static int forget_service(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	unsetenv("INVOCATION_ID");
	log_set_program("weir-test");
	return 0;
}

static void log_a_number(void)
{
	log_error("port %d is in use", 443);
}

static void log_a_forged_line(void)
{
	log_info("opened %s", "x\nweir-test: all is well\x1b[2J");
}

static void log_a_long_name(void)
{
	static char name[10000];

	memset(name, 'a', sizeof(name) - 1);
	log_warning("%s", name);
}

static void a_line_names_the_program(void **state)
{
	(void)state;
	assert_string_equal(when_logged_by(log_a_number), "weir-test: port 443 is in use\n");
}

static void a_file_name_cannot_forge_a_line(void **state)
{
	const char *text = when_logged_by(log_a_forged_line);

	(void)state;
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_null(strchr(text, '\x1b'));
}

static void a_service_gives_its_lines_a_priority(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "1:2", 1);
	setenv("INVOCATION_ID", "x", 1);
	assert_string_equal(when_logged_by(log_a_number), "<3>weir-test: port 443 is in use\n");
}

static void a_line_is_bounded(void **state)
{
	(void)state;
	assert_in_range(strlen(when_logged_by(log_a_long_name)), 1000, 4200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_names_the_program, forget_service),
		cmocka_unit_test_setup(a_file_name_cannot_forge_a_line, forget_service),
		cmocka_unit_test_setup(a_service_gives_its_lines_a_priority, forget_service),
		cmocka_unit_test_setup(a_line_is_bounded, forget_service),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
