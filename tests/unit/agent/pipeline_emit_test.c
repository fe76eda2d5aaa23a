/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "support/spool_fixture.h"
#include "support/transport_fixture.h"

#define LIMIT_BYTES (64 * 1024)
#define EVENTS_MAX 10000

/* The descriptor that the spool writes its first segment through. */
static int find_segment_fd(const char *dir)
{
	char wanted[512], link[64], path[512];

	spool_fixture_segment_path(wanted, dir, 1);
	for (int fd = 3; fd < 1024; fd++) {
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		if (n < 0)
			continue;
		path[n] = '\0';
		if (strcmp(path, wanted) == 0)
			return fd;
	}
	return -1;
}

/* As a disk does that takes what is written and fails when it is to keep it: /dev/null takes every
 * write, and nothing there can be synced. */
static void break_the_disk(const char *dir)
{
	_cleanup_close_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = find_segment_fd(dir);

	assert_true(null_fd >= 0 && fd >= 0);
	assert_int_equal(dup2(null_fd, fd), fd);
}

static void emit(struct agent *agent)
{
	_cleanup_(event_freep) struct event *event = event_new();

	assert_non_null(event);
	event->kind = EVENT_POLICY;
	agent_emit(agent, event);
}

/* A segment is synced at its end, between two commits: who asks then is the event that begins the
 * next one. */
static void events_that_a_failed_sync_withdraws_are_counted(void **state)
{
	struct agent agent = {.spool = spool_fixture_open(*state, LIMIT_BYTES)};
	struct spool_counts counts;

	emit(&agent);
	assert_int_equal(spool_sync(agent.spool), 0);
	break_the_disk(*state);
	while (agent.events_dropped == 0 && agent.events_made < EVENTS_MAX)
		emit(&agent);
	counts = spool_fixture_count(agent.spool);
	assert_true(agent.events_made > 2);
	assert_int_equal(counts.appended, 1);
	assert_int_equal(agent.events_spooled, counts.appended);
	assert_int_equal(agent.events_dropped, agent.events_made - 1);
	assert_int_equal(agent.events_dropped, counts.dropped);
	spool_close(agent.spool);
}

static int set_up(void **state)
{
	*state = transport_make_dir();
	return 0;
}

static int tear_down(void **state)
{
	transport_remove_dir(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_that_a_failed_sync_withdraws_are_counted,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
