/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_TRANSFERS_H
#define WEIR_TESTS_KERNEL_TRANSFERS_H

/* A CRM that pours, a chat that swallows, and actors whose calls are held against what the sensor
 * counted, to the byte. */

#include <stdint.h>

#include "kernel/actor.h"
#include "kernel/kernel_fixture.h"

#define TRANSFERS_CRM_PORT 18443
#define TRANSFERS_CHAT_PORT 18555

struct transfers_moved {
	unsigned long long bytes, calls, ino;
};

/* For cmocka, before a group of tests. */
int transfers_start_peers(void **state);
struct transfers_moved transfers_move(struct kernel_fixture *fixture, const struct actor_call *call,
				      int threads, int seed);
/* What was counted of this call's direction and object. */
struct kernel_totals transfers_count(struct kernel_fixture *fixture, const struct actor_call *call,
				     const struct transfers_moved *moved);
/* Stops the test when the two differ. */
void transfers_check(struct kernel_fixture *fixture, const struct actor_call *call, int threads,
		     int seed);

/* Notes what transfers_check() has proved. "write_socket" is write, on another medium. */
void transfers_note_exact(const struct actor_call *call);

#endif
