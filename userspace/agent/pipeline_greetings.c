/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pipeline_private.h"
#include "agent/sensor/greeting_parts.h"
#include "agent/sensor/greeting_tap.h"
#include "base/log.h"

#define MOUNTS_PATH "/proc/self/mounts"
#define CONNECTIONS_MAX 4096
#define QUIC_CONNECTIONS_MAX 128

struct agent_greetings {
	struct greeting_tap *tap; /* NULL: it may not listen */
	struct greeting_parts *parts;
	struct greeted *greeted;
	struct quic_names *quic;
	uint64_t refused;
};

/* Whose app is not known, nor asked for: 0. */
static int take_datagram(struct agent_greetings *greetings, const struct greeting_part *part)
{
	const struct quic_peer peer = {0, part->peer, part->port, part->local_port};

	return quic_names_take(greetings->quic, &peer, part->data, part->bytes);
}

static int take_segment(struct agent_greetings *greetings, const struct greeting_part *part)
{
	const struct greeted_connection connection = {part->peer, part->port, part->local_port};
	struct greeting_name name;
	int r = greeting_parts_take(greetings->parts, part, &name);

	if (part->bytes == 0)
		greeted_forget(greetings->greeted, &connection);
	if (r <= 0)
		return r;
	return greeted_name(greetings->greeted, &connection,
			    &(struct greeted_name){(enum event_host_source)name.source, name.host});
}

static void on_part(void *userdata, const struct greeting_part *part)
{
	struct agent_greetings *greetings = userdata;
	int r = part->protocol == IPPROTO_UDP ? take_datagram(greetings, part)
					      : take_segment(greetings, part);

	if (r < 0)
		greetings->refused++;
}

int agent_start_greetings(struct agent *agent)
{
	struct agent_greetings *greetings = calloc(1, sizeof(*greetings));
	int r;

	agent->greetings = greetings;
	if (!greetings)
		return -ENOMEM;
	r = greeting_parts_new(&greetings->parts);
	if (r == 0)
		r = greeted_new(CONNECTIONS_MAX, &greetings->greeted);
	if (r == 0)
		r = quic_names_new(QUIC_CONNECTIONS_MAX, &greetings->quic);
	if (r < 0)
		return r;
	r = greeting_tap_new(agent->loop, MOUNTS_PATH, on_part, greetings, &greetings->tap);
	if (r < 0)
		log_warning("what apps say before they hold labels is not heard: %s; such "
			    "connections are named by DNS answers",
			    strerror(-r));
	return r == -ENOMEM ? r : 0;
}

void agent_free_greetings(struct agent *agent)
{
	struct agent_greetings *greetings = agent->greetings;

	if (!greetings)
		return;
	greeting_tap_free(greetings->tap);
	greeting_parts_free(greetings->parts);
	greeted_free(greetings->greeted);
	quic_names_free(greetings->quic);
	free(greetings);
	agent->greetings = NULL;
}

void agent_hear_greetings(struct agent *agent)
{
	if (agent->greetings->tap)
		greeting_tap_drain(agent->greetings->tap);
}

/* What has just been said first is in the ring. */
bool agent_find_greeted(void *userdata, const struct sensor_flow *flow,
			struct greeted_name *ret_name)
{
	const struct greeted_connection connection = {flow->peer, flow->port, flow->local_port};
	const struct quic_peer peer = {0, flow->peer, flow->port, flow->local_port};
	const struct quic_hello_name *hello = NULL;
	const struct greeted_name *name = NULL;
	struct agent *agent = userdata;

	agent_hear_greetings(agent);
	if (flow->protocol == IPPROTO_TCP)
		name = greeted_find(agent->greetings->greeted, &connection);
	else if (flow->protocol == IPPROTO_UDP)
		hello = quic_names_find(agent->greetings->quic, &peer);
	if (name)
		*ret_name = *name;
	else if (hello)
		*ret_name = (struct greeted_name){
			hello->is_front ? EVENT_HOST_TLS_FRONT : EVENT_HOST_TLS, hello->host};
	return name || hello;
}

bool agent_hears_greetings(const struct agent *agent)
{
	return agent->greetings->tap;
}

void agent_count_greetings(const struct agent *agent, struct agent_greetings_counts *ret_counts)
{
	const struct agent_greetings *greetings = agent->greetings;
	struct greeting_tap_counts counts = {};

	if (greetings->tap)
		greeting_tap_count(greetings->tap, &counts);
	*ret_counts =
		(struct agent_greetings_counts){.heard = counts.heard,
						.refused = counts.damaged + greetings->refused,
						.dropped = counts.dropped};
}

uint64_t agent_count_evicted_greetings(const struct agent *agent)
{
	return agent->greetings->tap ? greeting_tap_count_evicted(agent->greetings->tap) : 0;
}
