/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_FLOODING_H
#define WEIR_TESTS_KERNEL_FLOODING_H

/*
 * A flood under way: a sensor with a ring of one page, the employee who floods, and in the end
 * the comparison of what was counted with what the calls returned.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/kernel_fixture.h"

struct flooding {
	struct kernel_fixture *fixture;
	pid_t employee, agent; /* 0: does not run */
	int output, up;
	uint64_t end_ns; /* when it is to end; the employee stops at the latest */
};

/* How long each flood and each race is to last: WEIR_FLOOD_SECONDS, else 5. */
unsigned int flooding_seconds(void);

/* Setup and teardown of a test whose state is a struct flooding. */
int flooding_prepare(void **state);
int flooding_clean_up(void **state);

/* KIND as in flooder.h. */
void flooding_start(struct flooding *flooding, const char *kind, bool use_perf,
		    unsigned int seconds_max);
/* Waits for the employee; every byte is counted, where it belongs, and nothing was lost. */
void flooding_check(struct flooding *flooding);

#endif
