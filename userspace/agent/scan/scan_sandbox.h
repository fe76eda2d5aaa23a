/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_SANDBOX_H
#define WEIR_AGENT_SCAN_SCAN_SANDBOX_H

/*
 * What the scanner's process gives up before it looks at a file that somebody else
 * made: users, files, network, new privileges, core files, and more than a bounded
 * amount of memory and time. It can only read descriptors it is handed and answer.
 */

#include <stdint.h>

struct scan_sandbox {
	uint64_t memory_bytes; /* of address space; 0: no limit */
	uint64_t cpu_seconds;  /* of the process's whole life; 0: no limit */
};

#define SCAN_SANDBOX_DEFAULT                                    \
	{                                                       \
		.memory_bytes = 512ull << 20, .cpu_seconds = 60 \
	}

/* Of no return: whoever makes another system call afterwards is killed by SIGSYS. 0 or -errno. */
int scan_sandbox_enter(const struct scan_sandbox *sandbox);

#endif
