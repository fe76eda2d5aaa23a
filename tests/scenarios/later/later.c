/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To be preloaded: the wall clock is LATER_DAYS ahead. All other clocks go as they do, so that
 * timers work; changing the machine's own clock would be everybody's.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_PER_DAY 86400

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	const char *days = getenv("LATER_DAYS");
	long r = syscall(SYS_clock_gettime, clock, ret_time);

	if (r == 0 && clock == CLOCK_REALTIME && days)
		ret_time->tv_sec += strtol(days, NULL, 10) * SECONDS_PER_DAY;
	return (int)r;
}
