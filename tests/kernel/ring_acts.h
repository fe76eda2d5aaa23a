/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_RING_ACTS_H
#define WEIR_TESTS_KERNEL_RING_ACTS_H

/* Runs when main was called as "ring ACT SOURCE TARGET EXECUTABLE": a story of io_uring as its app
 * acts it. Prints the bytes that it moved, or LACKING when this kernel has not what it needs. The
 * exit status. */
int ring_acts_main(int argc, char **argv);

#define RING_ACTS_LACKING "lacking"

#endif
