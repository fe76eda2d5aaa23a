/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/ring_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/ring.h"
#include "kernel/ring_act.h"
#include "kernel/ring_acts.h"

void ring_story_need_rings(void)
{
	if (ring_has_operation(IORING_OP_READ))
		return;
	print_message("# SKIP this kernel has no io_uring, or forbids it\n");
	skip();
}

uint64_t ring_story_act(struct kernel_fixture *fixture, const char *act, const char *target)
{
	char path[160], thief[160], text[256];
	char *arguments[] = {"actor", "ring", (char *)act, (char *)kernel_fixture_source(fixture),
			     path,    thief,  NULL};
	int output;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", kernel_fixture_folder(fixture), target);
	snprintf(thief, sizeof(thief), "%s/thief", kernel_fixture_folder(fixture));
	if (strchr(target, ':'))
		snprintf(path, sizeof(path), "%s", target);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	if (strncmp(text, RING_ACTS_LACKING, strlen(RING_ACTS_LACKING)) == 0) {
		print_message("# SKIP this kernel's io_uring has not what \"%s\" needs\n", act);
		kernel_fixture_stop(fixture);
		skip();
	}
	assert_true(atoll(text) > 0);
	return (uint64_t)atoll(text);
}

void ring_story_check_follows(const char *act, const char *what)
{
	struct kernel_fixture *fixture;

	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	kernel_fixture_add_actor(fixture, "thief");
	assert_int_equal(ring_story_act(fixture, act, "out"), RING_ACT_BYTES);
	assert_int_equal(kernel_fixture_written(fixture, "out"), RING_ACT_BYTES);
	coverage_note(what, COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

uint64_t ring_story_count_gaps(struct kernel_fixture *fixture)
{
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(fixture, &n);
	uint64_t calls = 0;

	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_GAP)
			calls += flows[i].calls;
	return calls;
}

uint64_t ring_story_sum(struct kernel_fixture *fixture, enum sensor_object_kind kind, bool is_out)
{
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(fixture, &n);
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		if (flows[i].is_out == is_out && flows[i].object.kind == kind)
			bytes += flows[i].bytes;
	return bytes;
}
