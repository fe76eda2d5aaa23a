/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_CLI_STORY_H
#define WEIR_TESTS_SUPPORT_CLI_STORY_H

/*
 * A data folder as a collector left it, for the tests of the commands: four
 * events of desk-7 and incident 1 about the first two. Commands run in a process
 * of their own, since wrong usage exits, and their output is kept.
 */

#include <stddef.h>
#include <stdint.h>

struct cli_story {
	char dir[64];
	uint64_t incident;
	char *out, *err; /* of the last command */
	int status;      /* its exit status */
};

/* For cmocka; *state becomes the story. The time zone becomes Asia/Shanghai. */
int cli_story_set_up(void **state);
int cli_story_tear_down(void **state);

#define CLI_STORY_TEST(test) \
	cmocka_unit_test_setup_teardown(test, cli_story_set_up, cli_story_tear_down)

/* The caller frees it. */
char *cli_story_path(const struct cli_story *story, const char *name);
void cli_story_write(const struct cli_story *story, const char *name, const char *text);

/* The arguments end with NULL. */
void cli_story_when_called(struct cli_story *story, int (*command)(int, char **),
			   const char *argument, ...);

/* Exit status 1, nothing on stdout, one line on stderr with the words. */
void cli_story_then_one_line_says(const struct cli_story *story, const char *words);

size_t cli_story_lines(const char *text);

#endif
