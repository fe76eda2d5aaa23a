/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_PERF_LINKS_H
#define WEIR_TESTS_KERNEL_PERF_LINKS_H

/*
 * Skips the test, saying why, where programs on perf tracepoints cannot be pinned:
 * before 5.15 they have no links (BPF_LINK_TYPE_PERF_EVENT). The sensor takes typed
 * tracepoints there. And from 7.0 on, where it takes perf tracepoints without being asked.
 */
void perf_links_need(void);

#endif
