/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SENSOR_SENSOR_PRIVATE_H
#define WEIR_AGENT_SENSOR_SENSOR_PRIVATE_H

/* Shared by the files of the sensor: its state and the steps between them. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "abi.h"
#include "agent/sensor/sensor.h"

struct weir_bpf;

/* What was last reported of a flow; in a tsearch(3) tree by key. */
struct sensor_known {
	struct weir_flow_key key;
	uint64_t first_ns, bytes, calls, turns, labels;
	uint64_t swept_ns; /* when the sweep began that saw these totals last */
	bool is_ended;
};

/* A path call that waits for the sweep before it. */
struct sensor_queued_path {
	struct weir_path_edge edge;
};

#define SENSOR_QUEUED_PATHS_MAX 4096

/* What was last told of a stream that is read for records. */
struct sensor_told {
	uint64_t stream, found, bytes;
	struct weir_record_maybe maybes[WEIR_RECORD_MAYBES];
	uint32_t n_maybes;
	bool is_whole, is_settled;
	bool has_false; /* a record was told that was only the begin of one */
};

struct sensor_found {
	struct weir_record_key key;
	struct weir_record_found value;
};

struct sensor_found_list {
	struct sensor_found *items;
	size_t n_items, room;
};

struct sensor_tls_library {
	uint64_t dev, ino;
};

#define SENSOR_TLS_LIBRARIES_MAX 64 /* different files; of more, the records are estimated */
#define SENSOR_TLS_LINKS_MAX 512

/* Of each label bit of the policy, the mask of its bit in the kernel's tables; 0: no such label. */
struct sensor_labels {
	uint64_t kernel[WEIR_LABELS];
};

struct sensor {
	struct weir_bpf *skeleton;
	struct ring_buffer *ring;
	sd_event_source *ring_source;
	struct weir_state *state; /* mapped */
	char *pin_dir;
	struct sensor_handler handler;
	struct sensor_start start;
	uint64_t build;   /* which programs this agent brings */
	bool is_examined; /* what was there before is known: start.takeover says it */
	bool is_shielded; /* attached as perf tracepoints, see sensor_shield.c */
	int *hooks;       /* descriptors of the attached programs */
	size_t n_hooks;
	struct {
		const char *submit_event;
		bool has_overflow;
	} uring;
	bool has_lsm; /* the kernel asks programs that stand beside its security modules */
	struct sensor_labels labels;
	void *known; /* tree of struct sensor_known */
	size_t n_known;
	struct sensor_queued_path *paths;
	size_t n_paths;
	uint64_t *ended; /* ids of apps whose last totals were reported */
	size_t n_ended;
	struct sensor_told *told;
	size_t n_told;
	uint64_t records_cleaned_ns;
	uint64_t records_seen; /* changes of streams that all are told of */
	struct {
		struct sensor_tls_library libraries[SENSOR_TLS_LIBRARIES_MAX];
		size_t n_libraries;
		struct bpf_link *links[SENSOR_TLS_LINKS_MAX];
		size_t n_links;
		uint64_t used_ns;     /* somebody held something labelled */
		uint64_t attached_ns; /* the last library; what was sent before may be unread */
	} tls;
	struct {
		uint64_t given, evicted; /* when what is there was last counted */
	} lru[SENSOR_LRU_TABLES];
	uint64_t edges_swept; /* rung when the last whole sweep began */
	uint64_t edges_damaged, sweeps, flows, objects;
	uint64_t paths_seen, paths_told, paths_dropped;
	uint64_t overflow_in_bytes, overflow_out_bytes;
};

/* sensor_load.c */
int sensor_load(struct sensor *sensor, const struct sensor_config *config, char **ret_reason);
/* Returns error, having put a sentence into *ret_reason. */
int sensor_fail(char **ret_reason, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* sensor_pins.c */
char *sensor_pin_path(const struct sensor *sensor, const char *prefix, const char *name);
/* Finds out what an earlier agent left, and so how this one starts. */
void sensor_pins_examine(struct sensor *sensor);
/* Pins the tables, or shares those that are pinned. */
int sensor_pins_share(struct sensor *sensor);
void sensor_pins_choose(struct sensor *sensor);
/* Whether it is run or attached by each agent for itself, and not pinned. */
bool sensor_is_own(const struct bpf_program *program);
/* From here on every call is seen by this build's programs. */
int sensor_attach(struct sensor *sensor, char **ret_reason);
#define SENSOR_SLOT "slot_" /* pins of these begin so */
#define SENSOR_LINK "link_"
/* A pinned table, as whoever pinned it laid it out. Returns a descriptor or -errno. */
int sensor_pins_open(const struct sensor *sensor, const char *name, struct bpf_map_info *ret_info);
/* sensor_migrate.c: whether what is pinned can be copied into this build's tables; when its agent
 * was last seen. */
bool sensor_can_migrate(const struct sensor *sensor, uint64_t *ret_seen_ns);
/* Copies it, and pins the copies instead. The state is mapped, and no hook runs. */
int sensor_migrate(struct sensor *sensor);
/* Detaches the programs and leaves the tables: when it returns, nobody writes to them. */
int sensor_unhook(const char *pin_dir);
/* Entries of a pinned table, whatever its layout. */
uint64_t sensor_count_pinned(const struct sensor *sensor, const char *name);
/* sensor_labels.c. Returns 0, -ENOSPC when names that left the policy hold too many bits, -errno.
 */
int sensor_labels_assign(struct sensor *sensor, const struct policy *policy);
uint64_t sensor_labels_to_kernel(const struct sensor *sensor, uint64_t labels);
/* Labels that the policy does not name any more are left out. */
uint64_t sensor_labels_of_kernel(const struct sensor *sensor, uint64_t mask);
/* sensor_shield.c: while raised, no ordinary task preempts the agent in its calls to the tables.
 * Does nothing unless sensor->is_shielded. */
struct sensor_shield {
	int policy, priority;
	bool is_raised;
};

struct sensor_shield sensor_shield_raise(const struct sensor *sensor);
/* For who works on tables of his own and knows no sensor. */
struct sensor_shield sensor_shield_raise_for_any(void);
void sensor_shield_lower(const struct sensor_shield *shield);
/* sensor_lsm.c: whether bpf is among the kernel's security modules, as the file says, or else the
 * system call of 6.8: "listed", "not listed" or "unknown". */
const char *sensor_lsm_describe(const char *path);
/* Returns 0 when the kernel loads and attaches such a program, listed or not; -errno. */
int sensor_lsm_probe(void);
/* Decides has_lsm and what start.lsm_bpf says. */
void sensor_lsm_examine(struct sensor *sensor, const char *path);
/* The kernel took the probe, but not the sensor's own. */
void sensor_lsm_refuse(struct sensor *sensor, int error);
/* sensor_zones.c: addresses, proxies and names of places. Returns 0, -ENOSPC when one of them
 * stands in too many sections, -errno. */
int sensor_apply_zones(struct sensor *sensor, const struct policy *policy);
/* The key of a name in the kernel's table, in any case: without a leading "*", which stands for
 * whatever is before the dot behind it. */
uint64_t sensor_hash_host(const char *name);
/* sensor_folders.c: labels what lies in export folders; start.folder_files says how many. */
void sensor_label_folders(struct sensor *sensor, const struct policy *policy);
/* sensor_walk.c */
uint32_t sensor_generation_of(const char *path);
/* sensor_name.c: a host in lower case; false, and "", when the bytes are no host's name. */
bool sensor_name_host(const struct weir_name *name, char *ret_host, size_t size);
/* sensor_name.c: "/home/a/out.csv" of a leaf-first name; "" when there is none. */
void sensor_name_assemble(const struct weir_name *name, char *ret_path, size_t size);
/* An absolute path of what a caller gave and the directory it started from. */
void sensor_name_join(const struct weir_name *directory, const char *path, char *ret_path,
		      size_t size);
/* sensor_syscalls.c */
void sensor_fill_syscalls(struct weir_rule rules[WEIR_PLACES], bool is_uring_followed);
/* sensor_compat.c: the rules of 32-bit calls, and their names by place: "32-bit ptrace". */
void sensor_fill_compat(struct weir_rule rules[WEIR_PLACES], bool is_uring_followed);
const char *sensor_compat_name(uint64_t place);
/* sensor_uring.c: makes the skeleton fit the kernel's tracepoints. Returns 0 or -errno, also when
 * there are none, which sensor->uring says. */
int sensor_uring_prepare(struct sensor *sensor, const char *btf_path);
/* "io_uring READV"; for an operation without a name, what else is told of io_uring. */
const char *sensor_uring_name(uint64_t number);
/* sensor_ring.c: returns 0 or -errno. */
int sensor_open_ring(struct sensor *sensor, sd_event *event);
void sensor_drain_paths(struct sensor *sensor);
/* sensor.c: records that the kernel wrote or wanted to write into the ring */
uint64_t sensor_count_rung(const struct sensor *sensor);
/* sensor_sweep.c */
int sensor_read_app(struct sensor *sensor, uint64_t app_id, struct weir_app *ret_app,
		    char exe[static WEIR_NAME_BYTES + 1]);
void sensor_describe_app(const struct sensor *sensor, const struct weir_app *app, const char *exe,
			 struct sensor_app *ret_app);
void sensor_forget_all(struct sensor *sensor);
bool sensor_is_ended(const struct sensor *sensor, uint64_t app_id);
/* path has room for a name and lives as long as what is described. */
void sensor_describe_flow(const struct sensor *sensor, const struct weir_flow_key *key,
			  const struct weir_flow *flow, char path[static WEIR_NAME_BYTES + 1],
			  struct sensor_flow *ret_flow);
/* sensor_records.c: after flows were swept. */
void sensor_sweep_records(struct sensor *sensor);
/* Of apps whose last totals were reported. */
void sensor_forget_records(struct sensor *sensor);
/* All of them, as if nothing was told. */
void sensor_tell_records_again(struct sensor *sensor);
uint64_t sensor_count_records_full(const struct sensor *sensor);
/* sensor_found.c: all of the table, by stream and order. The list's items are the caller's to free,
 * also on failure. 0 or -errno. */
int sensor_found_read(const struct sensor *sensor, struct sensor_found_list *list);
size_t sensor_found_first(const struct sensor_found_list *list, uint64_t stream);
/* How many of a stream's are in the list, up to the first that is missing: others were found while
 * it was read. They are numbered from 1. */
uint64_t sensor_found_count(const struct sensor_found_list *list, uint64_t stream);
bool sensor_found_has(const struct sensor_found_list *list, uint64_t stream,
		      const struct weir_record_maybe *maybe);
/* Deletes what was found in streams that are no more. */
void sensor_found_drop(const struct sensor *sensor);
/* sensor_lru.c: what the tables hold that an earlier build filled without counting. 0 or -errno. */
int sensor_lru_begin(struct sensor *sensor);
/* How many entries a hash table has. 0 or -errno. */
int sensor_count_entries(const struct bpf_map *map, uint64_t *ret_entries);
/* sensor_tls.c */
void sensor_unwatch_tls(struct sensor *sensor);

#define SENSOR_PATH_BYTES (WEIR_NAME_BYTES + WEIR_USER_PATH_BYTES + 2)

#endif
