/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/ear.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/enrich/quic_names.h"
#include "agent/sensor/greeting_parts.h"

#define QUIC_CONNECTIONS_MAX 4

static void hear_datagram(struct ear *ear, const struct greeting_part *part)
{
	const struct quic_peer peer = {0, part->peer, part->port, part->local_port};
	const struct quic_hello_name *name;

	assert_int_equal(quic_names_take(ear->quic, &peer, part->data, part->bytes), 0);
	name = quic_names_find(ear->quic, &peer);
	if (name)
		snprintf(ear->host, sizeof(ear->host), "%s", name->host);
}

static void hear_segment(struct ear *ear, const struct greeting_part *part)
{
	struct greeting_name name;
	int r = greeting_parts_take(ear->greetings, part, &name);

	assert_in_range(r, 0, 1);
	if (r == 1)
		snprintf(ear->host, sizeof(ear->host), "%s", name.host);
}

static void on_part(void *userdata, const struct greeting_part *part)
{
	struct ear *ear = userdata;

	if (part->port != ear->port || ear->n_parts == EAR_PARTS_MAX)
		return;
	ear->parts[ear->n_parts++] = (struct ear_part){part->offset, part->bytes};
	ear->peer = part->peer;
	assert_true(part->offset + part->bytes <= sizeof(ear->data));
	memcpy(ear->data + part->offset, part->data, part->bytes);
	if (part->protocol == IPPROTO_UDP)
		hear_datagram(ear, part);
	else
		hear_segment(ear, part);
}

int ear_open(void **state)
{
	struct ear *ear = calloc(1, sizeof(*ear));
	int r;

	assert_true(sd_event_new(&ear->loop) >= 0);
	assert_int_equal(greeting_parts_new(&ear->greetings), 0);
	assert_int_equal(quic_names_new(QUIC_CONNECTIONS_MAX, &ear->quic), 0);
	r = greeting_tap_new(ear->loop, "/proc/self/mounts", on_part, ear, &ear->tap);
	if (r < 0 && r != -ENOENT && geteuid() == 0)
		fail_msg("nothing is heard: %s", strerror(-r));
	*state = ear;
	return 0;
}

int ear_close(void **state)
{
	struct ear *ear = *state;

	greeting_tap_free(ear->tap);
	quic_names_free(ear->quic);
	greeting_parts_free(ear->greetings);
	sd_event_unref(ear->loop);
	free(ear);
	return 0;
}

struct ear *ear_need(void **state)
{
	struct ear *ear = *state;

	if (!ear->tap) {
		print_message("# skip: needs root and the v2 hierarchy of cgroups\n");
		skip();
	}
	return ear;
}

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	};
	socklen_t size;
};

static struct place loopback(int family, uint16_t port)
{
	struct place place = {};

	if (family == AF_INET) {
		place.four = (struct sockaddr_in){.sin_family = AF_INET,
						  .sin_port = htons(port),
						  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		place.size = sizeof(place.four);
	} else {
		place.six = (struct sockaddr_in6){.sin6_family = AF_INET6,
						  .sin6_port = htons(port),
						  .sin6_addr = in6addr_loopback};
		place.size = sizeof(place.six);
	}
	return place;
}

int ear_serve(struct ear *ear, int family, int type)
{
	struct place place = loopback(family, 0);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, &place.any, place.size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &place.any, &place.size), 0);
	ear->port = ntohs(family == AF_INET ? place.four.sin_port : place.six.sin6_port);
	return fd;
}

int ear_connect(const struct ear *ear, int family, int type)
{
	struct place place = loopback(family, ear->port);
	int fd = socket(family, type | SOCK_CLOEXEC, 0), one = 1;

	assert_int_equal(connect(fd, &place.any, place.size), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	return fd;
}

void ear_say(int fd, const void *data, size_t bytes)
{
	assert_int_equal(write(fd, data, bytes), bytes);
}

void ear_assert_heard(struct ear *ear, size_t n, const struct ear_part *wanted)
{
	greeting_tap_drain(ear->tap);
	assert_int_equal(ear->n_parts, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ear->parts[i].offset, wanted[i].offset);
		assert_int_equal(ear->parts[i].bytes, wanted[i].bytes);
	}
}

void ear_assert_named(struct ear *ear, const char *host)
{
	greeting_tap_drain(ear->tap);
	assert_string_equal(ear->host, host);
}
