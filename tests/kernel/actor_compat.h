/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_ACTOR_COMPAT_H
#define WEIR_TESTS_KERNEL_ACTOR_COMPAT_H

/*
 * 32-bit system calls of a 64-bit program: by int 0x80, with everything they point to below 4 GiB,
 * where a page of each thread is.
 */

#include <stdbool.h>
#include <stdint.h>

/* Whether this kernel takes them; where it does not, whoever makes one gets a signal. */
bool actor_compat_is_there(void);

/* What the kernel returned; addresses from 2 GiB on are negative. The sixth argument is 0. */
long actor_compat_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e);

/* Receives so many messages by one call; the descriptor that came with the last one, or -1. */
int actor_compat_receive_fd(int socket, uint32_t n);

#endif
