/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_RING_STORY_H
#define WEIR_TESTS_KERNEL_RING_STORY_H

/* What the tests of io_uring tell their stories with: an act of ring_acts.h, and what was counted
 * of it. */

#include <stdbool.h>
#include <stdint.h>

#include "kernel/kernel_fixture.h"

/* Skips the test on a kernel without rings. */
void ring_story_need_rings(void);
/* The act's bytes; skips the test when the kernel lacks what the act needs. TARGET is a name in the
 * fixture's folder, or "HOST:PORT". */
uint64_t ring_story_act(struct kernel_fixture *fixture, const char *act, const char *target);
/* Of an act that writes without a ring what it got by one: it was labelled, and is counted. */
void ring_story_check_follows(const char *act, const char *what);

/* How often it was said that something is not followed. */
uint64_t ring_story_count_gaps(struct kernel_fixture *fixture);
uint64_t ring_story_sum(struct kernel_fixture *fixture, enum sensor_object_kind kind, bool is_out);

#endif
