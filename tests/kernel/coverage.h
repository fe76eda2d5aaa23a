/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_COVERAGE_H
#define WEIR_TESTS_KERNEL_COVERAGE_H

/*
 * What a kernel test has proved about a call. Note it after the assertions that prove it:
 * bpf/COVERAGE.md is made of these lines and of nothing else. Where several tests note the
 * same call on the same kernel, the table shows the worst.
 */

#include <stdio.h>

enum coverage {
	COVERAGE_EXACT, /* label and bytes, to the byte */
	COVERAGE_LABEL, /* the label moves, bytes are not known to the byte */
	COVERAGE_GAP,   /* data passes unseen */
};

/* Flushed, so that a child forked later does not tell it again. */
static inline void coverage_note(const char *call, enum coverage coverage)
{
	static const char *const words[] = {"exact", "label only", "gap"};

	printf("# coverage: %s = %s\n", call, words[coverage]);
	fflush(stdout);
}

#endif
