/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_REPLAY_PACE_H
#define WEIR_REPLAY_PACE_H

/*
 * When to show an event so that the replay runs at a multiple of real time.
 * Deadlines follow the first event, not the one before, so that delays of
 * showing do not add up; an event older than the one before is shown at once.
 */

#include <stdint.h>

struct pace {
	double speed;      /* event seconds a second, above 0 */
	uint64_t start_ns; /* monotonic time of the first event shown; 0: none yet */
	uint64_t first_event_ns;
	uint64_t last_deadline_ns;
};

/* The monotonic time at which to show an event of event_ns; never before an earlier deadline. */
uint64_t pace_deadline_ns(struct pace *pace, uint64_t event_ns, uint64_t now_ns);

#endif
