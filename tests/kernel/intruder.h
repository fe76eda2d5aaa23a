/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_INTRUDER_H
#define WEIR_TESTS_KERNEL_INTRUDER_H

/*
 * Programs that reach into other processes where a puppet cannot follow:
 *
 *   steal HOLDER SOURCE OUT    in a pid namespace of its own, reads the memory of HOLDER, a
 *                              program that is started there and has read SOURCE, and writes
 *                              INTRUDER_BYTES of it to OUT
 *   attempt PID SOURCE ADDRESS having read SOURCE, tries to write to the memory of a process
 *                              of another user, which must fail
 *
 * The exit status is 0 when it went so.
 */

#define INTRUDER_BYTES 3000

int intruder_main(int argc, char **argv);

#endif
