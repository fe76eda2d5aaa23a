/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec now = {0};

	/* Cannot fail: both clocks exist on every kernel that loads the sensor. */
	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t clock_realtime_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

uint64_t clock_boottime_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

uint64_t clock_boot_offset_ns(void)
{
	uint64_t best_span_ns = UINT64_MAX;
	uint64_t offset_ns = 0;

	/* This thread may be preempted between readings: the tightest of a few brackets is right.
	 */
	for (size_t i = 0; i < 5; i++) {
		uint64_t before_ns = clock_boottime_ns();
		uint64_t real_ns = clock_realtime_ns();
		uint64_t span_ns = clock_boottime_ns() - before_ns;

		if (span_ns < best_span_ns) {
			best_span_ns = span_ns;
			offset_ns = real_ns - (before_ns + span_ns / 2);
		}
	}
	return offset_ns;
}
