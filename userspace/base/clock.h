/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

/*
 * The two clocks of Weir, in nanoseconds: the kernel stamps with boot time,
 * which no one sets; people read real time. The offset joins them and changes
 * whenever the wall clock is set.
 */

#include <stdint.h>

#define CLOCK_NS_PER_SECOND UINT64_C(1000000000)

uint64_t clock_realtime_ns(void);
uint64_t clock_boottime_ns(void);

/* Real time minus boot time now: add it to a kernel stamp to get CLOCK_REALTIME. */
uint64_t clock_boot_offset_ns(void);

#endif
