/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/pace.h"

/* Beyond this nobody waits; it keeps the sum below from overflowing. */
#define LONGEST_WAIT_NS ((double)(UINT64_MAX / 4))

uint64_t pace_deadline_ns(struct pace *pace, uint64_t event_ns, uint64_t now_ns)
{
	uint64_t deadline_ns;
	double offset_ns = 0;

	if (pace->start_ns == 0) {
		pace->start_ns = now_ns;
		pace->first_event_ns = event_ns;
		pace->last_deadline_ns = now_ns;
		return now_ns;
	}
	if (event_ns > pace->first_event_ns)
		offset_ns = (double)(event_ns - pace->first_event_ns) / pace->speed;
	if (offset_ns > LONGEST_WAIT_NS)
		offset_ns = LONGEST_WAIT_NS;
	deadline_ns = pace->start_ns + (uint64_t)offset_ns;
	if (deadline_ns < pace->last_deadline_ns)
		deadline_ns = pace->last_deadline_ns;
	pace->last_deadline_ns = deadline_ns;
	return deadline_ns;
}
