/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_EPISODE_H
#define WEIR_COLLECTOR_CORRELATE_EPISODE_H

/*
 * One person's egress to one recipient, joined by labels to the sources it came
 * from. An episode is computed from the store alone: the same events give the same
 * episode, in whatever order they arrived.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct incident;
struct lineage;
struct lineage_app;
struct lineage_flow;
struct policy;
struct policy_zone;
struct store;
struct store_record;

/* An incident of the same recipient that began before this one, whoever the person was. */
struct episode_earlier {
	uint64_t incident_id;
	uint64_t first_ns;
	char *person;
};

struct episode {
	char *person;
	char *recipient;            /* name of the policy's sink, else the address */
	uint64_t first_ns, last_ns; /* of the egress */
	uint64_t bytes;
	enum event_certainty bytes_certainty;
	uint64_t n_egress; /* reports */
	bool is_allowed;   /* every sink it went to is allow-listed */
	bool is_removable; /* some of them can be carried away */
	bool is_picture;   /* all the customer data in it came by pictures of the screen */
	struct lineage *lineage;
	struct episode_earlier *earlier; /* by first_ns; set by whoever knows the incidents */
	size_t n_earlier;
};

/* What an egress event is keyed by, borrowed from the event; NULL when it is none that matters:
 * no egress, no class label, a trusted or local destination. */
const char *episode_recipient(const struct event *event);
/* The person an event is booked to; never NULL. */
const char *episode_person(const struct store_record *record);

/* Collects the egress from first_ns to last_ns, both included, and walks its lineage.
 * Returns 1, 0 when the store holds no such egress, or -errno. */
int episode_collect(struct store *store, const struct policy *policy, const char *person,
		    const char *recipient, uint64_t first_ns, uint64_t last_ns,
		    struct episode **ret_episode);
void episode_free(struct episode *episode);

/* Sets everything of an incident that is no detector's: persons, sources, sinks, figures,
 * lineage, events. 0 or -ENOMEM. */
int episode_fill_incident(const struct episode *episode, const struct policy *policy,
			  struct incident *incident);

/* Counts the records in what went out where all of it was read on its way out, or was files, pipes
 * and local sockets that were read: the different ones of all together, so that what was sent twice
 * to one recipient counts once. Else the incident keeps its estimate. 0 or -ENOMEM. */
int episode_count_records(const struct episode *episode, const struct policy *policy,
			  struct incident *incident);

/* Turns of a flow on a CRM socket that came after a time, less the handshake of TLS when the
 * flow began after it: the estimate of lookups. */
uint64_t episode_lookups(const struct policy *policy, const struct lineage_flow *flow,
			 uint64_t after_ns);

/* The policy's CRM or sink of a name, NULL when it knows none (any more). */
const struct policy_zone *episode_find_zone(const struct policy *policy, enum event_role role,
					    const char *name);

/* Is the sink allow-listed, by its name or by what device it is? */
bool episode_sink_is_allowed(const struct policy *policy, const struct event_object *object);

/* Did all the customer data that the senders had come to them by pictures of the screen? 1, 0 or
 * -ENOMEM. 0 where it is not known whence it came. */
int episode_is_picture(const struct episode *episode, const struct policy *policy);
/* A thick client holds data that no file brought. */
bool episode_app_is_client(const struct policy *policy, const struct lineage_app *app);

/* Adds to the earlier ones, keeping them in order. 0 or -ENOMEM. */
int episode_add_earlier(struct episode *episode, uint64_t incident_id, const char *person,
			uint64_t first_ns);

static inline void episode_freep(struct episode **episode)
{
	if (*episode)
		episode_free(*episode);
}

#endif
