/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SENSOR_GREETING_TAP_H
#define WEIR_AGENT_SENSOR_GREETING_TAP_H

/*
 * What clients on this machine say first on a connection, whether they hold labelled data or not,
 * in whatever network namespace: picked out in the kernel (bpf/greeting.bpf.c) while this lives. It
 * stays in memory; a connection is in the tables of the sensor once its app holds labels.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct greeting_tap;

/* As anybody may have written it. */
struct greeting_part {
	struct in6_addr peer; /* IPv4 as v4-mapped */
	uint16_t port, local_port;
	uint8_t protocol;    /* TCP or UDP */
	uint32_t offset;     /* in the greeting */
	const uint8_t *data; /* lives until the visitor returns */
	size_t bytes;        /* 0: a TCP connection is being made */
};

struct greeting_tap_counts {
	uint64_t heard;   /* parts, those that were dropped or damaged included */
	uint64_t dropped; /* the ring was full */
	uint64_t damaged;
};

/*
 * Visits parts from now on: of processes in the cgroups below the root of the v2 hierarchy, as the
 * mounts (/proc/self/mounts) have it. 0 or -errno; -ENOENT without such a hierarchy.
 */
int greeting_tap_new(sd_event *event, const char *mounts_path,
		     void (*visit)(void *userdata, const struct greeting_part *part),
		     void *userdata, struct greeting_tap **ret_tap);
void greeting_tap_free(struct greeting_tap *tap);
/* Visits what was said until now: before a system call that sends returns, it is here. */
void greeting_tap_drain(struct greeting_tap *tap);
void greeting_tap_count(const struct greeting_tap *tap, struct greeting_tap_counts *ret_counts);
/* Long greetings that were not whole when others took their place. Looks through the table. */
uint64_t greeting_tap_count_evicted(const struct greeting_tap *tap);

#endif
