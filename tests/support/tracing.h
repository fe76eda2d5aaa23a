/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_TRACING_H
#define WEIR_TESTS_SUPPORT_TRACING_H

/*
 * Who watches system calls on this kernel, and two programs that watch and do
 * nothing: the least that any sensor on these tracepoints costs. Needs root.
 */

/* BPF links on the entry and exit of system calls, whoever made them; or -errno. */
int tracing_count_links(void);

/* Attaches an empty program to each; they stay until both descriptors are closed. 0 or -errno. */
int tracing_attach_empty(int ret_fds[2]);

#endif
