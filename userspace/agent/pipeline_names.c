/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "agent/names/asked.h"
#include "agent/names/question.h"
#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/siphash.h"
#include "policy/policy.h"

#define NS_PER_HOUR (3600ull * 1000000000)

struct agent_names {
	struct asked *asked;
	uint64_t seen, trusted, refused; /* questions */
};

int agent_start_names(struct agent *agent)
{
	const struct policy *policy = agent->policy;
	const struct asked_limits limits = {
		.names_min = (uint64_t)policy_detect_value(policy, "dns_tunnel", "min_names",
							   POLICY_DNS_TUNNEL_NAMES),
		.bytes_min = (uint64_t)policy_detect_value(policy, "dns_tunnel", "min_bytes",
							   POLICY_DNS_TUNNEL_BYTES),
		.window_ns = (uint64_t)policy_detect_value(policy, "dns_tunnel", "window_hours",
							   POLICY_DNS_TUNNEL_HOURS) *
			     NS_PER_HOUR,
	};

	agent->names = calloc(1, sizeof(*agent->names));
	return agent->names ? asked_new(&limits, &agent->names->asked) : -ENOMEM;
}

void agent_free_names(struct agent *agent)
{
	if (!agent->names)
		return;
	asked_free(agent->names->asked);
	free(agent->names);
	agent->names = NULL;
}

/* The company's own names, and what is asked backwards: of addresses, names are long. */
static bool is_at_home(const struct agent *agent, const char *domain)
{
	enum event_role role = policy_match_host(agent->policy, domain).role;

	return role == EVENT_ROLE_TRUSTED || role == EVENT_ROLE_CRM ||
	       !strcmp(domain, "ip6.arpa") || !strcmp(domain, "in-addr.arpa");
}

/* The same domain is the same object to everybody, whichever agent says so. */
static uint64_t identify(const char *domain)
{
	static const uint8_t key[SIPHASH_KEY_BYTES] = {0};

	return siphash(key, domain, strlen(domain)) | 1;
}

static int describe_domain(const struct agent *agent, const char *domain, struct event *event)
{
	struct policy_match match = policy_match_host(agent->policy, domain);

	event->object.kind = EVENT_OBJECT_DOMAIN;
	event->object.role = EVENT_ROLE_SINK;
	event->object.ino = identify(domain);
	event->object.name = strdup(domain);
	event->object.zone_kind = strdup("dns");
	if (match.name && !(event->object.zone_name = strdup(match.name)))
		return -ENOMEM;
	return event->object.name && event->object.zone_kind ? 0 : -ENOMEM;
}

static int describe(const struct agent *agent, const struct sensor_app *app, const char *domain,
		    struct event **ret_event)
{
	_cleanup_(event_freep) struct event *event = NULL;
	int r = report_event(&agent->report, EVENT_EGRESS, 0, &event);

	if (r == 0)
		r = report_app(&agent->report, app, event);
	if (r == 0)
		r = describe_domain(agent, domain, event);
	if (r == 0)
		r = policy_describe_labels(agent->policy, app->labels, event);
	if (r < 0)
		return r;
	event->direction = EVENT_DIRECTION_OUT;
	*ret_event = TAKE(event);
	return 0;
}

static void count_question(struct agent *agent, const struct sensor_question *question,
			   const struct sensor_app *app, const struct question *parsed)
{
	struct agent_names *names = agent->names;
	struct asked_app *part;

	if (asked_take(names->asked, app->login_uid, app->id, parsed, question->message_bytes,
		       question->time_ns, &part) < 0)
		return;
	/* Without it the part cannot be told; the next question tries again. */
	if (!part->event)
		(void)describe(agent, app, parsed->domain, &part->event);
}

void agent_take_question(void *userdata, const struct sensor_question *question,
			 const struct sensor_app *app)
{
	struct agent *agent = userdata;
	struct agent_names *names = agent->names;
	struct question parsed;

	names->seen++;
	if (question_parse(question->data, question->size, &parsed) < 0)
		names->refused++;
	else if (!(app->labels & policy_class_mask(agent->policy)) ||
		 is_at_home(agent, parsed.domain))
		names->trusted++;
	else
		count_question(agent, question, app, &parsed);
}

/* A question that found the ring full is missing in all of them. */
static void tell(void *userdata, const struct asked_app *app, bool is_cut)
{
	struct agent *agent = userdata;
	_cleanup_(event_freep) struct event *event = NULL;
	struct sensor_counts counts;

	if (!app->event || event_copy(app->event, &event) < 0)
		return;
	sensor_count(agent->sensor, &counts);
	event->time_ns = app->last_ns + agent->report.boot_offset_ns;
	event->flow_first_ns = app->first_ns + agent->report.first_offset_ns;
	event->bytes_total = app->message_bytes;
	event->calls_total = app->asked;
	event->questions = app->questions;
	event->certainty = is_cut || counts.losses.ring_full > 0 ? EVENT_CERTAINTY_ESTIMATED
								 : EVENT_CERTAINTY_EXACT;
	agent_see(agent, TAKE(event));
	agent_scan_note_sender(agent, app->id);
}

void agent_tell_questions(struct agent *agent)
{
	asked_visit(agent->names->asked, tell, agent);
}

void agent_tell_questions_again(struct agent *agent)
{
	asked_visit_again(agent->names->asked);
}

void agent_count_names(const struct agent *agent, struct agent_names_counts *ret_counts)
{
	const struct agent_names *names = agent->names;
	struct asked_counts counts;

	asked_count(names->asked, &counts);
	*ret_counts = (struct agent_names_counts){.seen = names->seen,
						  .counted = counts.taken + names->trusted,
						  .dropped = counts.dropped,
						  .refused = names->refused};
}
