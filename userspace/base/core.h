/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_CORE_H
#define WEIR_BASE_CORE_H

/*
 * For a process that holds keys, or text of others: when it crashes, the kernel writes its memory
 * nowhere, and nobody but root looks into it while it runs. Children inherit that, those that
 * execute something only the limit. Returns 0 or -errno.
 */
int core_forbid(void);

#endif
