/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_KERNEL_HOOKS_H
#define WEIR_TESTS_KERNEL_KERNEL_HOOKS_H

/*
 * Hooks that one story leaves to the next of the same program: what takes time is the verifier's
 * look at them, most of all in an emulated kernel. Their tables are emptied in between, so that a
 * sensor that takes them over begins as a new one does.
 */

#include <stdbool.h>
#include <stddef.h>

/* The pins of the last story, which are the caller's from here on. False: there are none. */
bool kernel_hooks_take(char *ret_pin_dir, size_t size);
/* For the next story, or removed when this process ends. The sensor is gone, the pins are not. */
void kernel_hooks_leave(const char *pin_dir);

/* Takes the program out of a hook's slot, which is blind until it is put back; -1: there is none,
 * as in those of the other mode. Putting it back closes it. Both stop the test on failure. */
int kernel_hooks_take_program(int slot);
void kernel_hooks_put_program(int slot, int program);

#endif
