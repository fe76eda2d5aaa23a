/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names/answer.h"
#include "agent/names/host_names.h"
#include "agent/names/resolved.h"
#include "agent/names/tap.h"
#include "agent/pipeline_private.h"
#include "base/clock.h"
#include "base/log.h"

#define HOSTS_PATH "/etc/hosts"
#define RESOLVED_PATH "/run/systemd/resolve/io.systemd.Resolve.Monitor"

struct agent_hosts {
	struct host_names *names;
	struct tap *tap; /* NULL: it may not listen */
	struct resolved *resolved;
};

static int take_answer(void *userdata, const uint8_t *message, size_t size)
{
	struct agent *agent = userdata;
	struct answer answer;

	if (answer_parse(message, size, &answer) < 0)
		return -EBADMSG;
	host_names_take(agent->hosts->names, &answer, clock_boottime_ns());
	return 0;
}

static void take_resolved(void *userdata, const struct answer *answer)
{
	struct agent *agent = userdata;

	host_names_take(agent->hosts->names, answer, clock_boottime_ns());
}

int agent_start_hosts(struct agent *agent)
{
	int r;

	agent->hosts = calloc(1, sizeof(*agent->hosts));
	if (!agent->hosts)
		return -ENOMEM;
	r = host_names_new(HOSTS_PATH, &agent->hosts->names);
	if (r < 0)
		return r;
	agent->report.hosts = agent->hosts->names;
	r = resolved_new(agent->loop, RESOLVED_PATH, take_resolved, agent, &agent->hosts->resolved);
	if (r < 0)
		return r;
	r = tap_new(agent->loop, take_answer, agent, &agent->hosts->tap);
	if (r < 0)
		log_warning("DNS answers are not seen: %s; addresses stay without their names",
			    strerror(-r));
	return r == -ENOMEM ? r : 0;
}

void agent_free_hosts(struct agent *agent)
{
	if (!agent->hosts)
		return;
	tap_free(agent->hosts->tap);
	resolved_free(agent->hosts->resolved);
	host_names_free(agent->hosts->names);
	free(agent->hosts);
	agent->hosts = NULL;
}

void agent_reread_hosts(struct agent *agent)
{
	host_names_reread(agent->hosts->names);
}

void agent_count_resolved(const struct agent *agent, struct resolved_counts *ret_counts)
{
	resolved_count(agent->hosts->resolved, ret_counts);
}

bool agent_sees_answers(const struct agent *agent)
{
	return agent->hosts->tap;
}

void agent_count_answers(const struct agent *agent, struct tap_counts *ret_counts)
{
	if (agent->hosts->tap)
		tap_count(agent->hosts->tap, ret_counts);
}
