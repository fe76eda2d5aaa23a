/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_BOOT_CLOCK_H
#define WEIR_AGENT_ENRICH_BOOT_CLOCK_H

/*
 * The wall clock at which this boot began, kept in a file: the first time of a
 * flow is part of its identity, and must come out the same to the nanosecond after
 * a restart of the agent and after the clock was set.
 */

#include <stdint.h>

/*
 * What to add to a CLOCK_BOOTTIME stamp of the boot boot_id: as kept in DIR, else as it is now, and
 * then kept. Returns 0, or -errno when it cannot be kept.
 */
int boot_clock_load(const char *dir, const char *boot_id, uint64_t *ret_offset_ns);

#endif
