/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/tls_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/kernel_files.h"
#include "kernel/kernel_records.h"
#include "kernel/tls_peer.h"

int tls_story_set(void **state)
{
	struct tls_story *story = calloc(1, sizeof(*story));
	const char *folder;

	if (!story)
		return -1;
	story->fixture = kernel_fixture_start(NULL);
	kernel_records_look(kernel_fixture_sensor(story->fixture));
	folder = kernel_fixture_folder(story->fixture);
	snprintf(story->text_path, sizeof(story->text_path), "%s/table.csv", folder);
	snprintf(story->go_path, sizeof(story->go_path), "%s/go", folder);
	tls_story_add_rows(story, 0, TLS_STORY_ROWS);
	kernel_files_write(story->text_path, story->text, story->size, 0644);
	*state = story;
	return 0;
}

int tls_story_strike(void **state)
{
	struct tls_story *story = *state;

	kernel_fixture_stop(story->fixture);
	free(story);
	return 0;
}

int tls_story_serve(void **state)
{
	(void)state;
	tls_peer_serve();
	return 0;
}

void tls_story_add_rows(struct tls_story *story, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		story->size +=
			(size_t)sprintf(story->text + story->size, "P20%08zu,139%08zu\n", i, i);
}

pid_t tls_story_start(struct tls_story *story, const char *how, const char *source, int *ret_output)
{
	char *arguments[] = {"actor",        "tls-client",     (char *)how, (char *)source,
			     story->go_path, story->text_path, NULL};
	char ready[6];
	pid_t pid = kernel_fixture_spawn(story->fixture, arguments, ret_output);

	assert_int_equal(read(*ret_output, ready, sizeof(ready)), sizeof(ready));
	return pid;
}
