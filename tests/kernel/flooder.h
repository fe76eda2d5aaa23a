/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_FLOODER_H
#define WEIR_TESTS_KERNEL_FLOODER_H

/*
 * An employee who moves single bytes as fast as the machine can, on two processors,
 * and knows what the calls returned.
 */

#include <stdint.h>

#include "kernel/kernel_fixture.h"

enum flooder_medium {
	FLOODER_SOURCE,
	FLOODER_FILE,
	FLOODER_PIPE,
	FLOODER_SOCKET,
	FLOODER_MEDIA
};

/* What was moved. A socket stands for its receiving end. */
struct flooder_moved {
	struct kernel_inode inode[FLOODER_MEDIA];
	uint64_t in[FLOODER_MEDIA], out[FLOODER_MEDIA];
	uint64_t calls;
	uint64_t scattered_out; /* to files of their own, one byte each: an edge each */
};

/*
 * "flood threads|processes|classes SECONDS SOURCE TARGET": until SIGTERM, and no longer than that;
 * with classes, an idle, a normal and a real-time thread share each processor. Then writes a struct
 * flooder_moved to stdout.
 */
int flooder_main(char **argv);

#endif
