/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SENSOR_SENSOR_H
#define WEIR_AGENT_SENSOR_SENSOR_H

/*
 * The kernel side as the agent sees it: loads and pins the programs, gives them
 * the policy, and sweeps their tables. The tables are the truth: what a sweep
 * reports are totals, so that a lost doorbell or a killed agent loses no byte.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/siphash.h"

struct policy;
struct sensor;

enum sensor_object_kind {
	SENSOR_OBJECT_NONE = 0,
	SENSOR_OBJECT_FILE = 1,
	SENSOR_OBJECT_PIPE = 2,
	SENSOR_OBJECT_INET = 3,
	SENSOR_OBJECT_UNIX = 4,
	SENSOR_OBJECT_DEVICE = 5,
	SENSOR_OBJECT_APP = 6,       /* ino is the id of the other app */
	SENSOR_OBJECT_GAP = 7,       /* ino is the number of a system call that is not followed */
	SENSOR_OBJECT_CLIPBOARD = 8, /* a property or a pipe, by which a selection is passed */
	SENSOR_OBJECT_TERMINAL = 9,  /* a paste into a pseudo-terminal */
	SENSOR_OBJECT_SCREEN = 10,   /* what an X server shows, as one app took a picture of it */
	SENSOR_OBJECT_CONSOLE = 11,  /* what a virtual console shows, and is taken off it */
};

/* Who says which host a connection is for. */
enum sensor_host_source {
	SENSOR_HOST_NONE = 0,
	SENSOR_HOST_TLS = 1,       /* the server name of a TLS ClientHello */
	SENSOR_HOST_TLS_FRONT = 2, /* the same, of one that hides another one or pretends to */
	SENSOR_HOST_CONNECT = 3,   /* the target of an HTTP CONNECT */
	SENSOR_HOST_HTTP = 4,      /* the Host of an HTTP request */
};

struct sensor_object {
	enum sensor_object_kind kind;
	uint64_t ino;
	uint32_t dev;
	uint32_t generation;
};

/* Times of the sensor are CLOCK_BOOTTIME. Strings live until the callback returns. */
struct sensor_flow {
	uint64_t app_id;
	struct sensor_object object;
	bool is_out;
	bool is_crm;
	bool is_estimated;
	bool is_new;          /* not reported before by this sensor */
	uint32_t destination; /* tells the peers of one unconnected datagram socket apart */
	uint32_t pid;
	uint32_t hops;
	uint64_t bytes, calls, turns;
	uint64_t labels;
	uint64_t first_ns, last_ns;
	/* When the last sweep before this one began, all calls but the first since_calls were still
	 * to come; 0: no sweep of this sensor has met the flow before. */
	uint64_t since_ns, since_calls;
	struct in6_addr peer; /* of INET */
	uint16_t port, local_port;
	uint8_t protocol;
	bool is_unlinked;
	const char *path; /* "" when there is none */
	enum sensor_host_source host_source;
	const char *host; /* of INET, as the sender wrote it, in lower case; "" when unknown */
	bool is_lookup;   /* nothing moved here but plain DNS queries, each told as a question */
};

struct sensor_app {
	uint64_t id, parent_id;
	uint64_t start_ns, ended_ns;
	uint64_t labels;
	uint64_t exe_ino;
	uint64_t cgroup_id; /* in the v2 hierarchy, where it was executed; 0: unknown */
	uint32_t exe_dev;
	uint32_t pid; /* of the host */
	uint32_t login_uid;
	const char *exe; /* "" when unknown */
	const char *comm;
};

/* A file in the table of labelled objects. */
struct sensor_file {
	struct sensor_object object; /* of kind FILE */
	uint64_t labels;
	uint64_t since_ns; /* when the label came on, modulo 2^64: it may be before this boot */
	uint32_t hops;
	bool is_source; /* labelled by the policy, not by a writer */
};

enum sensor_path_operation {
	SENSOR_PATH_UNLINK = 1,
	SENSOR_PATH_RENAME = 2,
	SENSOR_PATH_TRUNCATE = 3, /* object is set, or path */
};

/* A path call that may concern a labelled file: the receiver decides by identity. */
struct sensor_path {
	enum sensor_path_operation operation;
	uint64_t app_id;
	uint64_t time_ns;
	uint32_t pid;
	struct sensor_object object;
	const char *path;     /* absolute */
	const char *new_path; /* of RENAME */
};

/* A record in what an app wrote into a pipe or a socket. */
struct sensor_record {
	uint32_t rule; /* index of the policy's record */
	uint64_t fingerprint;
};

/* What was found in what went over a flow, since it was told last. */
struct sensor_records {
	const struct sensor_record *found; /* each once a flow, but for the last ones it had */
	size_t n_found;
	bool is_whole; /* all that the flow had by now was read */
	bool is_plain; /* as a TLS library got it, before it was encrypted */
};

/* What a labelled app asked a name server, see bpf/hooks/question.bpf.h. */
struct sensor_question {
	uint64_t app_id;
	uint64_t time_ns;
	uint32_t message_bytes; /* of the whole query */
	const uint8_t *data;    /* name, type and class as they were sent; anybody's bytes */
	size_t size;
};

/* The first datagrams of a flow that look like QUIC's. */
struct sensor_hello {
	uint64_t app_id;
	struct in6_addr peer;
	uint16_t port, local_port;
	const uint8_t *datagram; /* from its start; as anybody may have written it */
	size_t bytes;
};

struct sensor_losses {
	uint64_t processes_full, apps_full, objects_full, flows_full, ring_full;
	uint64_t unknown_calls, inflight_full, labels_too_far, names_full, volatiles_full;
	uint64_t mappings_full;
	uint64_t inodes_full;     /* labelled files in memory whose end is not noticed */
	uint64_t records_full;    /* streams and fingerprints for which there was no room */
	uint64_t paths_dropped;   /* the queue of unlinks and renames was full */
	uint64_t programs_missed; /* bpf_prog_info.recursion_misses of all programs */
	uint64_t overflow_in_bytes, overflow_out_bytes; /* of apps while the flow table was full */
};

struct sensor_counts {
	uint64_t edges_rung; /* written by the kernel, those lost to a full ring included */
	uint64_t edges_read; /* by this agent and those before it */
	uint64_t edges_damaged;
	uint64_t paths_seen, paths_told; /* unlinks, renames and truncations */
	uint64_t paths_waiting;
	uint64_t flows;   /* in the table at the last sweep */
	uint64_t objects; /* labelled, at the last walk */
	uint64_t hot_apps;
	uint64_t unsettled_objects; /* every app is looked at until a walk has met them */
	uint64_t sweeps;
	uint64_t programs; /* attached, by this agent or by one before it */
	struct sensor_losses losses;
};

struct sensor_handler {
	/* The app may be NULL when its entry is gone. */
	void (*flow)(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app);
	/* At once, not at the next sweep: what can be asked of a living app only is asked now. */
	void (*app_labelled)(void *userdata, const struct sensor_app *app);
	void (*app_ended)(void *userdata, const struct sensor_app *app);
	void (*path)(void *userdata, const struct sensor_path *path, const struct sensor_app *app);
	/* May be NULL. */
	void (*records)(void *userdata, const struct sensor_flow *flow,
			const struct sensor_app *app, const struct sensor_records *records);
	/* At once, like app_labelled; may be NULL. */
	void (*question)(void *userdata, const struct sensor_question *question,
			 const struct sensor_app *app);
	/* Before the flow that it began is told; may be NULL. */
	void (*hello)(void *userdata, const struct sensor_hello *hello);
	/* Something rang: a sweep is worth while now. */
	void (*rung)(void *userdata);
	void *userdata;
};

struct sensor_config {
	const char *pin_dir;  /* in a bpffs; made, and the bpffs mounted, when missing */
	const char *btf_path; /* NULL: /sys/kernel/btf/vmlinux */
	/* Sizes of tables that are made; those of a sensor that is taken over stay. */
	uint32_t ring_bytes;          /* 0: 256 KiB; a power of two, at least a page */
	uint32_t flows_max;           /* 0: 32768 */
	uint32_t objects_max;         /* 0: 1048576; 131072 before 6.1 */
	uint32_t max_hops;            /* 0: no limit */
	uint32_t arguments_min_bytes; /* arguments this long pass labels on; 0: never */
	bool use_perf;                /* attach as perf tracepoints whatever the kernel */
};

enum sensor_takeover {
	SENSOR_FRESH = 0, /* there was none */
	SENSOR_RESUMED,   /* programs of the same build were attached and still are */
	SENSOR_UPGRADED, /* programs of another build were exchanged in place; no call was missed */
	SENSOR_REPLACED, /* what was there could not be read: its labels and counters are gone */
	SENSOR_MIGRATED, /* what was there was copied into tables of this build's version */
};

#define SENSOR_LSM_BYTES 96

/* How the sensor came up. */
struct sensor_start {
	enum sensor_takeover takeover;
	bool is_resumed; /* RESUMED or UPGRADED: counted without a break, in the same tables */
	uint64_t agent_seen_ns; /* last sign of the agent before; 0: none, or unknown */
	uint64_t flows_left;    /* of REPLACED: in the table that could not be read */
	uint64_t entries_left;  /* of MIGRATED: with labels or counters, that could not be copied */
	const char *attach_mode; /* "tp_btf" or "perf" */
	bool follows_uring;      /* what goes through io_uring is seen */
	/* Programs beside the kernel's security modules: "attached", "not listed", "unknown"
	 * whether listed, or "listed, refused: " and why. */
	char lsm_bpf[SENSOR_LSM_BYTES];
	uint64_t attach_ns;    /* until every call was seen */
	uint64_t walk_ns;      /* from then on, until what was there before was met */
	uint64_t folder_files; /* found in export folders and labelled */
	bool is_folder_cut;    /* there are more, which are labelled when they are opened there */
};

/*
 * Loads or takes over the programs, applies the policy and walks what exists.
 * Returns 0, or -errno with a sentence in *ret_reason that the caller frees.
 */
int sensor_new(sd_event *event, const struct sensor_config *config, const struct policy *policy,
	       const struct sensor_handler *handler, struct sensor **ret_sensor, char **ret_reason);
/* Leaves the pins: labels and counters live on. */
void sensor_free(struct sensor *sensor);
/* After a start that failed: leaves no hooks that nobody reads, but all that it has taken over. */
void sensor_abandon(struct sensor *sensor);
/* Detaches everything below pin_dir and forgets it. */
int sensor_unpin(const char *pin_dir);

void sensor_describe_start(const struct sensor *sensor, struct sensor_start *ret_start);

/* Brings changed addresses of the policy into the kernel. */
int sensor_apply_policy(struct sensor *sensor, const struct policy *policy);

/* Has what apps write to pipes and sockets read for the policy's records, or for none of them;
 * *ret_n says how many there was room for. Returns 0 or -errno. */
int sensor_set_records(struct sensor *sensor, const struct policy *policy,
		       const uint8_t key[SIPHASH_KEY_BYTES], size_t *ret_n);
/* Calls whose bytes were read for records, by the kernel side, since it was loaded. */
uint64_t sensor_count_records_read(const struct sensor *sensor);
/* Has the TLS libraries read that this process has loaded. From then on everybody who uses them
 * pays for it. Returns how many functions are read now that were not, or -errno. */
int sensor_watch_tls(struct sensor *sensor, uint32_t pid);
/* Lets go of them when nobody has held anything labelled for some minutes. */
void sensor_rest_tls(struct sensor *sensor);
/* Functions of TLS libraries that are read. */
size_t sensor_count_tls(const struct sensor *sensor);

/* Reports every flow that moved since the last sweep, then ended apps, then path calls. */
int sensor_sweep(struct sensor *sensor);
/* What ended was made durable by the caller: its entries are deleted. */
int sensor_forget_ended(struct sensor *sensor);
/* What was reported could not be kept: everything is reported again by the next sweep. */
void sensor_report_again(struct sensor *sensor);
/* Walks all processes, and makes up for every fork, exec and exit that no program saw. */
int sensor_mend(struct sensor *sensor);
/* Walks all descriptors and drops labelled objects that nobody holds any more. */
int sensor_walk(struct sensor *sensor);
/* The part of it that drops files in memory (tmpfs, memfd) that are there no more. */
int sensor_forget_gone(struct sensor *sensor);
/* Whether anything at all is labelled or counted: if not, a sweep finds nothing. */
bool sensor_is_idle(const struct sensor *sensor);

/* Leaves a sign of life: after a kill, a gap begins there. */
void sensor_mark_seen(struct sensor *sensor, uint64_t now_ns);
/* Whether a walk could close the gate again. */
bool sensor_has_volatiles(const struct sensor *sensor);

/* Visits every file with a label that the policy names, until visit returns other than 0. Returns
 * that, or -errno. */
int sensor_visit_files(struct sensor *sensor,
		       int (*visit)(void *userdata, const struct sensor_file *file),
		       void *userdata);
/* Labels a file by its identity alone: that the inode is still the same one is for the caller to
 * know. Who has it open is found by the next walk. Returns 1, 0 when it had the labels, -ENOSPC
 * when the table is full, -EINVAL for no label, -errno. */
int sensor_label_file(struct sensor *sensor, const struct sensor_file *file);
/* The file is gone. Returns 0, -ENOENT when it had no label, -errno. */
int sensor_forget_file(struct sensor *sensor, const struct sensor_file *file);
/* More than half of the table of labelled objects is files. */
bool sensor_is_crowded(const struct sensor *sensor);
/* Grows whenever an app or an object gets a label. */
uint64_t sensor_label_changes(const struct sensor *sensor);
/* Has unlinks and renames of files with this last path component told. */
int sensor_watch_name(struct sensor *sensor, const char *path);

void sensor_count(const struct sensor *sensor, struct sensor_counts *ret_counts);

/* The losses up to which earlier agents have told, and up to which this one has. */
void sensor_read_told(const struct sensor *sensor, struct sensor_losses *ret_told);
int sensor_keep_told(struct sensor *sensor, const struct sensor_losses *told);

/* A table of the kernel's in which a new entry takes the place of the one that was not used for the
 * longest time, and how often one has, since the table was made. */
struct sensor_evicted {
	const char *table;
	uint64_t entries;
};

enum {
	SENSOR_LRU_TABLES = 9
};

void sensor_count_evicted(struct sensor *sensor,
			  struct sensor_evicted ret_evicted[static SENSOR_LRU_TABLES]);
/* Name of a way that is not followed, by the inode number of its flows, or NULL. */
const char *sensor_gap_name(uint64_t number);

static inline void sensor_freep(struct sensor **sensor)
{
	if (*sensor)
		sensor_free(*sensor);
}

#endif
