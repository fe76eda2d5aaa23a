/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_EVENT_EVENT_H
#define WEIR_EVENT_EVENT_H

/*
 * The one event of Weir, as every stage holds it in memory: what the agent saw,
 * with names and counts but never content. An event owns its strings; a NULL
 * string means unknown or not applicable. Counters are totals of one flow since
 * flow_first_ns, not differences: a repeated or lost report changes no sum.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values are on the wire and in stores: append only. */
enum event_kind {
	EVENT_UNKNOWN = 0,
	EVENT_EDGE = 1,         /* a label crossed for the first time; counters may be 0 */
	EVENT_FLOW = 2,         /* counters of a labelled flow that is no egress, no CRM access */
	EVENT_EGRESS = 3,       /* counters of a flow into a sink */
	EVENT_CRM_ACCESS = 4,   /* counters of a flow on a CRM socket, either direction */
	EVENT_PROCESS_EXIT = 5, /* a labelled app's last process ended */
	EVENT_FILE_RENAME = 6,  /* object.name is the new path, object.previous_name the old */
	EVENT_FILE_UNLINK = 7,
	EVENT_FILE_TRUNCATE = 8,
	EVENT_AGENT_START = 9,
	EVENT_AGENT_STOP = 10,
	EVENT_AGENT_GAP = 11, /* time_ns..gap_end_ns had no agent; the kernel kept counting */
	EVENT_LOSS = 12, /* an identity or name was lost, dropped says how many; bytes are not */
	EVENT_COVERAGE_GAP = 13, /* a labelled app used a channel that Weir cannot follow */
	EVENT_CLOCK_SKEW = 14,
	EVENT_POLICY = 15,  /* a policy was loaded; detail holds its fingerprint */
	EVENT_RECORDS = 16, /* a labelled file was read for records; detail says what was not */
};

#define EVENT_KIND_LAST EVENT_RECORDS

enum event_direction {
	EVENT_DIRECTION_NONE = 0,
	EVENT_DIRECTION_IN = 1,  /* object to app */
	EVENT_DIRECTION_OUT = 2, /* app to object */
};

enum event_certainty {
	EVENT_CERTAINTY_UNKNOWN = 0,
	EVENT_CERTAINTY_ESTIMATED = 1,
	EVENT_CERTAINTY_EXACT = 2,
};

enum event_object_kind {
	EVENT_OBJECT_NONE = 0,
	EVENT_OBJECT_FILE = 1,
	EVENT_OBJECT_PIPE = 2,
	EVENT_OBJECT_SOCKET = 3, /* internet socket */
	EVENT_OBJECT_UNIX = 4,   /* unix socket */
	EVENT_OBJECT_MEMFD = 5,
	EVENT_OBJECT_DEVICE = 6,
	EVENT_OBJECT_APP = 7, /* another app, directly (exec arguments, ptrace) */
	EVENT_OBJECT_OTHER = 8,
	EVENT_OBJECT_CLIPBOARD = 9,
	EVENT_OBJECT_TERMINAL = 10, /* what is pasted into it */
	EVENT_OBJECT_SCREEN = 11,   /* what a display shows, as one app took a picture of it */
	EVENT_OBJECT_DOMAIN = 12,   /* of DNS: names below it were asked for, of whichever server */
	EVENT_OBJECT_CONSOLE = 13,  /* what a virtual console shows, and is taken off it */
};

#define EVENT_OBJECT_LAST EVENT_OBJECT_CONSOLE

/* What the policy says an object is. */
enum event_role {
	EVENT_ROLE_NONE = 0,
	EVENT_ROLE_CRM = 1,
	EVENT_ROLE_EXPORT = 2,  /* a file below an export folder */
	EVENT_ROLE_TRUSTED = 3, /* a place inside the trusted zone */
	EVENT_ROLE_SINK = 4,    /* outside; zone_name set when the policy names it */
	EVENT_ROLE_LOCAL = 5,   /* stays on this machine */
};

/* Who says which host a connection is for: the sender itself, see bpf/host.h, or whoever answered
 * for a name that has the address, see agent/names. */
enum event_host_source {
	EVENT_HOST_NONE = 0,
	EVENT_HOST_TLS = 1,       /* the server name of a TLS ClientHello */
	EVENT_HOST_TLS_FRONT = 2, /* the same; the true one may be hidden (ECH) */
	EVENT_HOST_CONNECT = 3,   /* the target of an HTTP CONNECT */
	EVENT_HOST_HTTP = 4,      /* the Host of an HTTP request */
	EVENT_HOST_DNS = 6,       /* the question of a DNS answer that gave the address */
	EVENT_HOST_FILE = 7,      /* /etc/hosts */
};

#define EVENT_HOST_LAST EVENT_HOST_FILE

struct event_app {
	uint64_t id;        /* unique per boot */
	uint64_t parent_id; /* the app that this one was executed from, 0 if before the sensor */
	uint64_t start_ns;  /* CLOCK_REALTIME */
	uint32_t pid;       /* thread group id of its first process, as the host counts */
	uint32_t login_uid; /* kernel/audit loginuid, or the real uid where it is unset */
	char *exe;          /* absolute path */
	char *exe_sha256;   /* lower-case hex */
	char *comm;
	char *cgroup; /* where it was executed: its container, its service; NULL: the root */
};

struct event_object {
	enum event_object_kind kind;
	enum event_role role;
	uint64_t dev; /* kernel s_dev: major << 20 | minor */
	uint64_t ino;
	uint64_t generation;
	char *name; /* path, or "10.0.0.2:443/tcp", or "pipe:[123]" */
	char *previous_name;
	char *address; /* peer of a socket, without port */
	uint32_t port;
	char *zone_name; /* the policy section that matched: [crm "NAME"], [sink "NAME"], ... */
	char *zone_kind; /* kind of a sink: im, mail, cloud, web, ..., usb, nfs, ... */
	char *vendor;    /* of a disk, as it says itself; likewise the next two */
	char *model;
	char *serial;
	char *volume; /* lasting identity of the file system on it, as udev writes it */
	char *host;   /* of a socket's peer, see host_source; describes, never decides */
	enum event_host_source host_source;
};

/* Of EGRESS to a DOMAIN, totals like bytes and calls. Of several reports of one flow the last one
 * holds; of several flows to one domain they add up: a name is its first asker's. */
struct event_questions {
	uint64_t names;         /* different ones */
	uint64_t name_bytes;    /* of their labels below the domain */
	uint64_t text;          /* of the questions, those for TXT or NULL records */
	uint64_t longest_bytes; /* the longest label; does not add up */
};

#define EVENT_MAX_COUNTS 16
#define EVENT_MAX_FINGERPRINTS 4096 /* of one event */

/* Different records of one kind in a file. */
struct event_count {
	char *record;           /* the policy's [record "NAME"] */
	uint64_t n_records;     /* different ones */
	uint64_t *fingerprints; /* keyed, each once; all of them or none */
	size_t n_fingerprints;
	bool is_in_order; /* they stand as the records first come in the file */
};

struct event {
	uint64_t seq; /* by the agent's spool, from 1, without holes */
	char *agent;  /* agent id */
	char *boot_id;
	uint64_t time_ns; /* CLOCK_REALTIME of what happened: for counters, of the last byte */
	uint64_t gap_end_ns;
	enum event_kind kind;
	enum event_direction direction;
	enum event_certainty certainty; /* of bytes */
	struct event_app app;
	struct event_object object;
	char **labels; /* class names of the policy, sorted */
	size_t n_labels;
	char **origins; /* names of the [sink] sections that the data came in from */
	size_t n_origins;
	uint32_t hops;          /* label crossings between the source and here */
	uint64_t flow_first_ns; /* identity of the flow with app.id, object and direction */
	uint64_t bytes_total;
	uint64_t calls_total;
	uint64_t turns_total; /* on a CRM socket: changes of direction from out to in */
	/* When the agent had looked at the flow before, all calls but the first since_calls were
	 * still to come; 0: it does not know. */
	uint64_t since_ns; /* CLOCK_REALTIME, by the same clock as time_ns */
	uint64_t since_calls;
	uint64_t dropped;
	char *detail; /* plain words for gaps and losses; never content */
	/* Of RECORDS: certainty EXACT says that all of the file was read. */
	struct event_count *counts;
	size_t n_counts;
	uint64_t rows;       /* lines that hold a record */
	uint64_t content_ns; /* CLOCK_REALTIME of the last change of what was read, 0: unknown */
	uint64_t size_bytes; /* of the file */
	struct event_questions questions;
};

/* Returns a zeroed event or NULL when memory is out. */
struct event *event_new(void);
void event_free(struct event *event);

/* A deep copy. Returns 0 or -ENOMEM. */
int event_copy(const struct event *event, struct event **ret_event);

/* Adds a copy of name to labels or origins, keeping them sorted and without repeats. 0 or -ENOMEM.
 */
int event_add_label(struct event *event, const char *name);
int event_add_origin(struct event *event, const char *name);

/* Adds a count with copies of name and fingerprints. 0, -E2BIG beyond the limits, -ENOMEM. */
int event_add_count(struct event *event, const char *record, uint64_t n_records,
		    const uint64_t *fingerprints, size_t n_fingerprints);

/* Stable lower-case names as they stand in JSON: "crm_access", "estimated". Never NULL. */
const char *event_kind_to_string(enum event_kind kind);
const char *event_certainty_to_string(enum event_certainty certainty);
const char *event_direction_to_string(enum event_direction direction);
const char *event_object_kind_to_string(enum event_object_kind kind);
const char *event_role_to_string(enum event_role role);
const char *event_host_source_to_string(enum event_host_source source);
/* The enum of a name, or 0 (unknown) when there is none. */
enum event_kind event_kind_from_string(const char *name);
enum event_certainty event_certainty_from_string(const char *name);

static inline void event_freep(struct event **event)
{
	event_free(*event);
}

#endif
