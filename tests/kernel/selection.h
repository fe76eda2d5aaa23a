/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_SELECTION_H
#define WEIR_TESTS_KERNEL_SELECTION_H

/*
 * The whole way of a selection from one client to another one, with the events that the server
 * tells them (ICCCM 2.0, chapter 2), and how clipboard managers learn that there is one (XFixes).
 * All of it stops the test on failure.
 */

#include "kernel/display.h"

/* From now on the client is told who owns the selection. */
void selection_watch(struct display_client *client);
/* Waits until it is; the owner's window. */
uint32_t selection_wait_for_owner(struct display_client *client);

/* The client asks for it, whoever owns it hands over so many bytes of its rows, and the client
 * takes them. */
void selection_pass(struct display_client *owner, struct display_client *client, size_t bytes);

#endif
