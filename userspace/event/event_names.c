/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "event/event.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Indexed by the enum; documented JSON values, so never changed. */
static const char *const kind_names[] = {
	[EVENT_UNKNOWN] = "unknown",
	[EVENT_EDGE] = "edge",
	[EVENT_FLOW] = "flow",
	[EVENT_EGRESS] = "egress",
	[EVENT_CRM_ACCESS] = "crm_access",
	[EVENT_PROCESS_EXIT] = "process_exit",
	[EVENT_FILE_RENAME] = "file_rename",
	[EVENT_FILE_UNLINK] = "file_unlink",
	[EVENT_FILE_TRUNCATE] = "file_truncate",
	[EVENT_AGENT_START] = "agent_start",
	[EVENT_AGENT_STOP] = "agent_stop",
	[EVENT_AGENT_GAP] = "agent_gap",
	[EVENT_LOSS] = "loss",
	[EVENT_COVERAGE_GAP] = "coverage_gap",
	[EVENT_CLOCK_SKEW] = "clock_skew",
	[EVENT_POLICY] = "policy",
	[EVENT_RECORDS] = "records",
};

static const char *const certainty_names[] = {
	[EVENT_CERTAINTY_UNKNOWN] = "unknown",
	[EVENT_CERTAINTY_ESTIMATED] = "estimated",
	[EVENT_CERTAINTY_EXACT] = "exact",
};

static const char *const direction_names[] = {
	[EVENT_DIRECTION_NONE] = "none",
	[EVENT_DIRECTION_IN] = "in",
	[EVENT_DIRECTION_OUT] = "out",
};

static const char *const object_kind_names[] = {
	[EVENT_OBJECT_NONE] = "none",         [EVENT_OBJECT_FILE] = "file",
	[EVENT_OBJECT_PIPE] = "pipe",         [EVENT_OBJECT_SOCKET] = "socket",
	[EVENT_OBJECT_UNIX] = "unix",         [EVENT_OBJECT_MEMFD] = "memfd",
	[EVENT_OBJECT_DEVICE] = "device",     [EVENT_OBJECT_APP] = "app",
	[EVENT_OBJECT_OTHER] = "other",       [EVENT_OBJECT_CLIPBOARD] = "clipboard",
	[EVENT_OBJECT_TERMINAL] = "terminal", [EVENT_OBJECT_SCREEN] = "screen",
	[EVENT_OBJECT_DOMAIN] = "domain",     [EVENT_OBJECT_CONSOLE] = "console",
};

static const char *const role_names[] = {
	[EVENT_ROLE_NONE] = "none",     [EVENT_ROLE_CRM] = "crm",
	[EVENT_ROLE_EXPORT] = "export", [EVENT_ROLE_TRUSTED] = "trusted",
	[EVENT_ROLE_SINK] = "sink",     [EVENT_ROLE_LOCAL] = "local",
};

static const char *const host_source_names[] = {
	[EVENT_HOST_NONE] = "none",
	[EVENT_HOST_TLS] = "tls_server_name",
	[EVENT_HOST_TLS_FRONT] = "tls_outer_server_name",
	[EVENT_HOST_CONNECT] = "http_connect",
	[EVENT_HOST_HTTP] = "http_host",
	[EVENT_HOST_DNS] = "dns_answer",
	[EVENT_HOST_FILE] = "hosts_file",
};

/* A value of a newer peer may lie beyond the table: it reads as the table's zero. */
static const char *name_of(const char *const *names, size_t n, unsigned int value)
{
	return value < n && names[value] ? names[value] : names[0];
}

static unsigned int value_of(const char *const *names, size_t n, const char *name)
{
	for (unsigned int i = 1; name && i < n; i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return i;
	return 0;
}

const char *event_kind_to_string(enum event_kind kind)
{
	return name_of(kind_names, ARRAY_SIZE(kind_names), kind);
}

const char *event_certainty_to_string(enum event_certainty certainty)
{
	return name_of(certainty_names, ARRAY_SIZE(certainty_names), certainty);
}

const char *event_direction_to_string(enum event_direction direction)
{
	return name_of(direction_names, ARRAY_SIZE(direction_names), direction);
}

const char *event_object_kind_to_string(enum event_object_kind kind)
{
	return name_of(object_kind_names, ARRAY_SIZE(object_kind_names), kind);
}

const char *event_role_to_string(enum event_role role)
{
	return name_of(role_names, ARRAY_SIZE(role_names), role);
}

const char *event_host_source_to_string(enum event_host_source source)
{
	return name_of(host_source_names, ARRAY_SIZE(host_source_names), source);
}

enum event_kind event_kind_from_string(const char *name)
{
	return value_of(kind_names, ARRAY_SIZE(kind_names), name);
}

enum event_certainty event_certainty_from_string(const char *name)
{
	return value_of(certainty_names, ARRAY_SIZE(certainty_names), name);
}
