/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_RESOLVED_H
#define WEIR_AGENT_NAMES_RESOLVED_H

/*
 * The answers that systemd-resolved gives to programs of this machine, in whatever way they ask it
 * and wherever it has them from: also over TLS, out of its cache, and to those who ask it by
 * nss-resolve or D-Bus. By the varlink interface that it has for resolvectl monitor (systemd 252),
 * for root. It may come later, and again.
 */

#include <stdint.h>

#include <systemd/sd-event.h>

struct answer;
struct resolved;

struct resolved_counts {
	uint64_t replies;
	uint64_t taken;   /* that were understood */
	uint64_t refused; /* damaged, or too long */
};

/* Visits each answer until resolved_free(). 0 or -errno; that nobody is there yet is none. */
int resolved_new(sd_event *event, const char *path,
		 void (*visit)(void *userdata, const struct answer *answer), void *userdata,
		 struct resolved **ret_resolved);
void resolved_free(struct resolved *resolved);
void resolved_count(const struct resolved *resolved, struct resolved_counts *ret_counts);

#endif
