/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_EAR_H
#define WEIR_TESTS_KERNEL_EAR_H

/*
 * Somebody who hears what is said first on a connection to one server, and whom it names; and the
 * two that talk, both in this process. These stop the test on failure.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/sensor/greeting_tap.h"

#define EAR_PARTS_MAX 16

struct ear_part {
	uint32_t offset;
	size_t bytes;
};

struct ear {
	sd_event *loop;
	struct greeting_tap *tap;
	struct greeting_parts *greetings;
	struct quic_names *quic;
	uint16_t port; /* of the server that is listened to: others on this machine speak, too */
	struct in6_addr peer;
	size_t n_parts;
	struct ear_part parts[EAR_PARTS_MAX];
	uint8_t data[8192];
	char host[256]; /* that was named last; empty: none */
};

/* For cmocka, around a test. */
int ear_open(void **state);
int ear_close(void **state);
/* Skips the test where nothing can be heard. */
struct ear *ear_need(void **state);

/* At a free port, which is listened to from now on. A descriptor. */
int ear_serve(struct ear *ear, int family, int type);
/* To it, and what is said is sent at once. A descriptor. */
int ear_connect(const struct ear *ear, int family, int type);
void ear_say(int fd, const void *data, size_t bytes);

void ear_assert_heard(struct ear *ear, size_t n, const struct ear_part *wanted);
/* host: empty for nobody. */
void ear_assert_named(struct ear *ear, const char *host);

#endif
