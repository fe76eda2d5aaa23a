/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_ASKED_H
#define WEIR_AGENT_NAMES_ASKED_H

/*
 * What labelled apps have asked name servers for, added up for each (login user, domain):
 * a tunnel may be one program that asks two hundred times, or two hundred programs that ask
 * once. Names are kept as fingerprints under a key of this process only. Bounded: what is
 * not asked for any more gives way, and is counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct asked;
struct question;

/* When a domain is told: so many different names within the window that are, below the domain and
 * on average, so long. */
struct asked_limits {
	uint64_t names_min;
	uint64_t bytes_min;
	uint64_t window_ns;
};

/* One app's part in the questions for a domain. A name that several ask for is its first one's. */
struct asked_app {
	uint64_t id;
	uint64_t first_ns, last_ns; /* as given to asked_take() */
	uint64_t asked;             /* questions */
	uint64_t message_bytes;     /* of all of them */
	struct event_questions questions;
	struct event *event; /* who it is; set by whoever takes it, freed here */
	bool is_changed;
};

struct asked_counts {
	uint64_t taken;     /* questions counted */
	uint64_t dropped;   /* those that found no room, or no memory */
	uint64_t domains;   /* now in memory */
	uint64_t forgotten; /* domains that gave way to others before they were told */
};

/* 0 or -errno. */
int asked_new(const struct asked_limits *limits, struct asked **ret_asked);
void asked_free(struct asked *asked);

/* Counts a question. 0 with the app's part, which lives until the next call here; -ENOMEM. */
int asked_take(struct asked *asked, uint32_t login_uid, uint64_t app_id,
	       const struct question *question, uint64_t message_bytes, uint64_t now_ns,
	       struct asked_app **ret_app);
/* Visits what has changed since the last visit, of domains that are to be told. is_cut: there were
 * more different names than are told. */
void asked_visit(struct asked *asked,
		 void (*visit)(void *userdata, const struct asked_app *app, bool is_cut),
		 void *userdata);
/* What was visited could not be kept: the next visit has it again. */
void asked_visit_again(struct asked *asked);
void asked_count(const struct asked *asked, struct asked_counts *ret_counts);

#endif
