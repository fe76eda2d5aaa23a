/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_TAP_H
#define WEIR_AGENT_NAMES_TAP_H

/*
 * The DNS answers that come to this machine, in the agent's own network namespace, from other
 * machines and over loopback (from systemd-resolved's stub, a local dnsmasq): packets from port 53,
 * picked out in the kernel. Anybody who can send such a packet can name an address.
 */

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct tap;

struct tap_counts {
	uint64_t packets; /* that the kernel picked out */
	uint64_t taken;   /* whose content was understood, or is part of a message under way */
	uint64_t refused; /* damaged, fragments, or of connections that are not followed */
	uint64_t dropped; /* by the kernel: they came faster than they were read */
};

/* Visits the message of each answer until tap_free(). 0 or -errno; -EPERM without CAP_NET_RAW. The
 * visitor returns whether it made sense of it. */
int tap_new(sd_event *event, int (*visit)(void *userdata, const uint8_t *message, size_t size),
	    void *userdata, struct tap **ret_tap);
void tap_free(struct tap *tap);
void tap_count(struct tap *tap, struct tap_counts *ret_counts);

#endif
