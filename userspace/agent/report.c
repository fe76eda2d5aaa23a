/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/enrich/cgroup_names.h"
#include "agent/enrich/exe_hash.h"
#include "agent/enrich/greeted.h"
#include "agent/enrich/place.h"
#include "agent/enrich/quic_names.h"
#include "agent/enrich/volumes.h"
#include "agent/names/host_names.h"
#include "agent/sensor/sensor.h"
#include "base/cleanup.h"
#include "policy/policy.h"

static uint64_t to_real(const struct report_context *context, uint64_t boot_ns)
{
	return boot_ns ? boot_ns + context->boot_offset_ns : 0;
}

int report_event(const struct report_context *context, enum event_kind kind, uint64_t time_ns,
		 struct event **ret_event)
{
	_cleanup_(event_freep) struct event *event = event_new();

	if (!event)
		return -ENOMEM;
	event->kind = kind;
	event->time_ns = time_ns;
	event->boot_id = strdup(context->boot_id);
	if (!event->boot_id)
		return -ENOMEM;
	*ret_event = TAKE(event);
	return 0;
}

/* The kernel remembers the path of labelled apps; of others /proc does, while they live. Leaves
 * *ret_exe NULL when nobody knows. */
static int find_exe(const struct sensor_app *app, char **ret_exe)
{
	char link[32], path[4096];
	ssize_t length;

	if (!app->exe[0]) {
		snprintf(link, sizeof(link), "/proc/%u/exe", app->pid);
		length = readlink(link, path, sizeof(path) - 1);
		if (length <= 0)
			return 0;
		path[length] = '\0';
	}
	*ret_exe = strdup(app->exe[0] ? app->exe : path);
	return *ret_exe ? 0 : -ENOMEM;
}

static int name_cgroup(const struct report_context *context, const struct sensor_app *app,
		       struct event *event)
{
	const char *name = cgroup_names_get(context->cgroups, app->cgroup_id);

	if (name && !(event->app.cgroup = strdup(name)))
		return -ENOMEM;
	return 0;
}

int report_app(const struct report_context *context, const struct sensor_app *app,
	       struct event *event)
{
	const char *hash;

	if (!app)
		return 0;
	event->app.id = app->id;
	event->app.parent_id = app->parent_id;
	event->app.start_ns = to_real(context, app->start_ns);
	event->app.pid = app->pid;
	event->app.login_uid = app->login_uid;
	event->app.comm = strdup(app->comm);
	if (!event->app.comm || name_cgroup(context, app, event) < 0 ||
	    find_exe(app, &event->app.exe) < 0)
		return -ENOMEM;
	if (!event->app.exe)
		return 0;
	hash = exe_hash_get(context->hashes, event->app.exe, app->pid, app->exe_dev, app->exe_ino);
	if (hash && !(event->app.exe_sha256 = strdup(hash)))
		return -ENOMEM;
	return 0;
}

static enum event_object_kind object_kind_of(enum sensor_object_kind kind)
{
	switch (kind) {
	case SENSOR_OBJECT_FILE:
		return EVENT_OBJECT_FILE;
	case SENSOR_OBJECT_PIPE:
		return EVENT_OBJECT_PIPE;
	case SENSOR_OBJECT_INET:
		return EVENT_OBJECT_SOCKET;
	case SENSOR_OBJECT_UNIX:
		return EVENT_OBJECT_UNIX;
	case SENSOR_OBJECT_DEVICE:
		return EVENT_OBJECT_DEVICE;
	case SENSOR_OBJECT_APP:
		return EVENT_OBJECT_APP;
	case SENSOR_OBJECT_CLIPBOARD:
		return EVENT_OBJECT_CLIPBOARD;
	case SENSOR_OBJECT_TERMINAL:
		return EVENT_OBJECT_TERMINAL;
	case SENSOR_OBJECT_SCREEN:
		return EVENT_OBJECT_SCREEN;
	case SENSOR_OBJECT_CONSOLE:
		return EVENT_OBJECT_CONSOLE;
	default:
		return EVENT_OBJECT_OTHER;
	}
}

static enum event_kind kind_of(const struct report_context *context, const struct sensor_flow *flow,
			       const struct event *event)
{
	if (flow->object.kind == SENSOR_OBJECT_GAP)
		return EVENT_COVERAGE_GAP;
	if (flow->is_crm)
		return EVENT_CRM_ACCESS;
	/* Who is asked matters less than whose names are asked for: see pipeline_names.c. */
	if (flow->is_out && event->object.role == EVENT_ROLE_SINK && !flow->is_lookup &&
	    (flow->labels & policy_class_mask(context->policy)))
		return EVENT_EGRESS;
	return EVENT_FLOW;
}

static int describe_gap(const struct sensor_flow *flow, struct event *event)
{
	const char *name = sensor_gap_name(flow->object.ino);

	event->object.role = EVENT_ROLE_NONE;
	if (asprintf(&event->detail, "%s by an app that %s: what it moves is not followed",
		     name ? name : "a system call",
		     flow->is_out ? "holds labelled data"
				  : "may take labelled data from the clipboard") < 0) {
		event->detail = NULL;
		return -ENOMEM;
	}
	return 0;
}

static const struct volume *volume_of(const struct report_context *context,
				      const struct sensor_flow *flow)
{
	const struct sensor_object *object = &flow->object;

	/* A memfd is on no mount at all. */
	if (strncmp(flow->path, "/memfd:", 7) == 0)
		return NULL;
	switch (object->kind) {
	case SENSOR_OBJECT_FILE:
		return volumes_find(context->volumes, object->dev, flow->pid);
	case SENSOR_OBJECT_DEVICE:
		return volumes_find_node(context->volumes, flow->path, object->ino);
	default:
		return NULL;
	}
}

static int set_host(struct event *event, const char *host, enum event_host_source source)
{
	event->object.host = strdup(host);
	if (!event->object.host)
		return -ENOMEM;
	event->object.host_source = source;
	return 0;
}

/* Whom the sender asked for itself. QUIC's hello is one of TLS, too. */
static struct greeted_name find_asked(const struct report_context *context,
				      const struct sensor_flow *flow)
{
	const struct quic_peer peer = {flow->app_id, flow->peer, flow->port, flow->local_port};
	const struct quic_hello_name *name = NULL;

	if (flow->host_source != SENSOR_HOST_NONE)
		return (struct greeted_name){(enum event_host_source)flow->host_source, flow->host};
	if (flow->protocol == IPPROTO_UDP && flow->is_out)
		name = quic_names_find(context->quic, &peer);
	if (!name)
		return (struct greeted_name){.source = EVENT_HOST_NONE};
	return (struct greeted_name){name->is_front ? EVENT_HOST_TLS_FRONT : EVENT_HOST_TLS,
				     name->host};
}

/* The same, by all that was said on the connection: while nothing labelled was there yet, and
 * behind the write that the sensor looked at. What the address was called goes behind that. */
static struct greeted_name find_host(const struct report_context *context,
				     const struct sensor_flow *flow,
				     const struct greeted_name *asked)
{
	struct greeted_name name = *asked, greeted;

	if (context->find_greeted(context->greeted_userdata, flow, &greeted) &&
	    greeted_goes_before(&greeted, &name))
		name = greeted;
	if (name.source == EVENT_HOST_NONE)
		name.host =
			host_names_find(context->hosts, &flow->peer, flow->first_ns, &name.source);
	return name;
}

static int describe_peer(const struct report_context *context, const struct sensor_flow *flow,
			 struct event *event)
{
	const struct greeted_name asked = find_asked(context, flow);
	const struct greeted_name name = find_host(context, flow, &asked);
	/* What others say describes and does not decide. */
	const struct policy_peer peer = {.address = &flow->peer,
					 .port = flow->port,
					 .host = asked.host,
					 .is_crm = flow->is_crm,
					 .may_say = flow->protocol == IPPROTO_TCP};
	int r = name.host ? set_host(event, name.host, name.source) : 0;

	return r < 0 ? r : place_describe_peer(context->policy, &peer, flow->protocol, event);
}

static int describe_object(const struct report_context *context, const struct sensor_flow *flow,
			   struct event *event)
{
	event->object.kind = object_kind_of(flow->object.kind);
	event->object.dev = flow->object.dev;
	event->object.ino = flow->object.ino;
	/* Peers of one unconnected socket are objects of their own. */
	event->object.generation = flow->destination ? flow->destination : flow->object.generation;
	if (flow->object.kind == SENSOR_OBJECT_GAP)
		return describe_gap(flow, event);
	if (flow->object.kind == SENSOR_OBJECT_INET)
		return describe_peer(context, flow, event);
	return place_describe_path(context->policy, flow->path, volume_of(context, flow),
				   flow->is_out, event);
}

int report_flow(const struct report_context *context, const struct sensor_flow *flow,
		const struct sensor_app *app, struct event **ret_event)
{
	_cleanup_(event_freep) struct event *event = NULL;
	int r = report_event(context, EVENT_FLOW, to_real(context, flow->last_ns), &event);

	if (r == 0)
		r = report_app(context, app, event);
	if (r == 0)
		r = describe_object(context, flow, event);
	if (r == 0)
		r = policy_describe_labels(context->policy, flow->labels, event);
	if (r < 0)
		return r;
	event->app.id = flow->app_id;
	event->kind = kind_of(context, flow, event);
	event->direction = flow->is_out ? EVENT_DIRECTION_OUT : EVENT_DIRECTION_IN;
	event->certainty = flow->is_estimated ? EVENT_CERTAINTY_ESTIMATED : EVENT_CERTAINTY_EXACT;
	event->hops = flow->hops;
	event->flow_first_ns = flow->first_ns + context->first_offset_ns;
	event->bytes_total = flow->bytes;
	event->calls_total = flow->calls;
	event->turns_total = flow->turns;
	event->since_ns = to_real(context, flow->since_ns);
	event->since_calls = flow->since_calls;
	*ret_event = TAKE(event);
	return 0;
}
