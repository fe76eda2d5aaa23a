/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_TLS_STORY_H
#define WEIR_TESTS_KERNEL_TLS_STORY_H

/* A labelled program that sends a table by a TLS library, and whoever reads what was found in it.
 */

#include <stddef.h>
#include <sys/types.h>

#include "kernel/kernel_fixture.h"

#define TLS_STORY_ROWS 400

/* Functions that are watched of a library. */
enum {
	TLS_STORY_OPENSSL = 2,
	TLS_STORY_NSS = 2
};

struct tls_story {
	struct kernel_fixture *fixture;
	char text[64 * TLS_STORY_ROWS], text_path[192], go_path[192];
	size_t size;
};

int tls_story_set(void **state);
int tls_story_strike(void **state);
/* cmocka's group setup: the peer that the programs send to. */
int tls_story_serve(void **state);
/* Rows of two records each, from a number on. */
void tls_story_add_rows(struct tls_story *story, size_t from, size_t n);
/* It has read source, or nothing ("-"), and waits to be told to send. */
pid_t tls_story_start(struct tls_story *story, const char *how, const char *source,
		      int *ret_output);

#endif
