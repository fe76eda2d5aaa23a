/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_MAPS_BPF_H
#define WEIR_MAPS_BPF_H

/*
 * Every table: who writes, who reads, what happens when it is full. All are
 * pinned by the agent and outlive it; only the ring is disposable.
 */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "lru.bpf.h"
#include "maps_desktop.bpf.h"
#include "maps_record.bpf.h"

/* Gate and counters. Programs add, the agent maps it. One element: cannot be full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_state);
} state SEC(".maps");

/* Process (tgid) to app. Written at fork, exec, exit. Full: the process is taken in again at its
 * next interesting call, and losses.processes_full counts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} processes SEC(".maps");

/* App id to app. The programs make them and delete those that ended without ever being open; the
 * agent deletes the others after its last sweep. Full: as above, losses.apps_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct weir_app);
} apps SEC(".maps");

/* Which apps are open: inserting here is what decides, once per app, that state.hot grows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} open_apps SEC(".maps");

/* How many open apps have an id that hashes here: 0 tells in one array load, without a look at the
 * app, that it is closed. An array: cannot be full; two apps in one slot only cost time. */
#define OPEN_HINTS_BITS 16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << OPEN_HINTS_BITS);
	__type(key, __u32);
	__type(value, __u64);
} open_hints SEC(".maps");

/* Which process was last found closed among those whose tgid ends like this, and how many openings
 * there had been: until the next one that process is known to be closed without a look into any
 * other table. Zeroed when a process joins an app. An array: cannot be full. */
#define CLOSED_BITS 16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << CLOSED_BITS);
	__type(key, __u32);
	__type(value, __u64);
} closed SEC(".maps");

/* Executable path of an app, kept from the moment it is labelled, because it may be gone before
 * the agent looks. Full: the agent tries /proc, else the name is unknown; losses.names_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct weir_name);
} app_paths SEC(".maps");

/* Labelled objects. Full: the label cannot be set, losses.objects_full. The loader may make it
 * smaller and have it take its memory at once, see sensor_load.c. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, struct weir_object_key);
	__type(value, struct weir_object);
} objects SEC(".maps");

/* Labelled objects that an app can reach without a call that the gate watches: pipes, unix and
 * loopback sockets, files that somebody else had open. Value: the epoch of the mark. The agent
 * writes WEIR_VOLATILE_SETTLED when a walk has opened the apps that hold it, and removes what is
 * gone. Full: those who hold it already are found when they open it again, losses.volatiles_full.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_object_key);
	__type(value, __u64);
} volatiles SEC(".maps");

/* Hash of the last path component of labelled files: which unlinks and renames the agent must see.
 * As large as objects. Full: not seen, losses.names_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, __u64);
	__type(value, __u64);
} basenames SEC(".maps");

/* Counters. Programs add; the agent sweeps, and deletes what is over. Full: the bytes go to the
 * app's overflow, losses.flows_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct weir_flow_key);
	__type(value, struct weir_flow);
} flows SEC(".maps");

/* Files that an app has mapped so that others see what it writes there, and it what others write.
 * No call tells when that happens: labels go over as soon as an app or a file gets one. In pages of
 * some, as most apps have few and a browser maps four hundred when it starts. Deleted with the app.
 * Full, or more mappings than an app may have: a gap of the app, and losses.mappings_full. */
#define MAPPINGS_OF_PAGE 16                                  /* a power of two */
#define MAPPINGS_MAX (MAPPINGS_OF_PAGE * WEIR_MAPPING_PAGES) /* of an app */

struct mapping {
	struct weir_object_key key;
	__u64 bytes;
	__u64 basename; /* hash; or where its inode is: */
	__u32 access;   /* MAPPING_ */
	__u32 is_nameless;
};

struct mapping_page {
	struct mapping list[MAPPINGS_OF_PAGE];
};

struct mappings {
	__u64 seen_changes;   /* label_changes when they were last looked at */
	__u64 walked_changes; /* when the walk found nothing labelled in them */
	__u32 next;
	__u32 gap_calls[2]; /* some are not in the list: mmap, shmat */
	__u32 may_become_writable;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct mappings);
} app_mappings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct weir_mapping_page_key);
	__type(value, struct mapping_page);
} mapping_pages SEC(".maps");

/* What a call of a multi-threaded task was about, from its entry to its exit. Full: the exit
 * looks at the descriptor again, losses.inflight_full. */
struct inflight {
	struct weir_object_key key;
	__u32 kind;
	__u16 syscall;
	__u16 is_final; /* seen where the kernel operates on it, see hooks/permission.bpf.h */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct inflight);
} inflight SEC(".maps");

/* Names of unix datagram sockets, hashed, and which socket was bound to each last. Written at bind
 * and by the walk. Full: the name that was not used for the longest time goes; what is sent to it
 * then is a gap, which is said and counted by calls, see flow_note_gap(). */
struct endpoint {
	struct weir_object_key key;
	__u64 sock;  /* its address: only to be compared, and to see that it is that socket still */
	__u64 place; /* in the file system */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct endpoint);
} endpoints SEC(".maps");

/* Requests of io_uring whose completions come without them, by ring and user_data. Written at
 * submission, deleted at the last completion. Full: their bytes are lost, losses.inflight_full. */
#define URING_ALIKE 4 /* requests with one user_data that are told apart; a power of two */

struct uring_pending {
	__u64 requests[URING_ALIKE]; /* addresses of struct io_kiocb, which live until then */
	union {
		__u32 first;        /* where all complete so: 5.10 */
		__u32 header_bytes; /* else: what each message lies behind */
	};
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct uring_pending);
} uring_pending SEC(".maps");

/* Whom a datagram of a request is for, by the request's address: see hooks/uring_message.bpf.h.
 * Written at submission, deleted at completion. Full: the bytes are counted without it,
 * losses.inflight_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct weir_address);
} uring_destinations SEC(".maps");

/* Policy: address to zone, folder to labels, executable to role. Written by the agent only. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct weir_zone_key);
	__type(value, struct weir_zone);
} zones SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct weir_folder_key);
	__type(value, __u64);
} folders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct weir_object_key);
	__type(value, struct weir_executable);
} executables SEC(".maps");

/* Label bit to its name. Written and read by the agent only, pinned because the masks in the tables
 * above outlive the policy that gave them. Full: the policy is refused, which the agent says. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_LABELS);
	__type(key, __u32);
	__type(value, struct weir_label);
} label_names SEC(".maps");

/* How much of each loss the agents have told so far, as their sensor_told.c numbers them. Written
 * and read by the agent only, pinned because what is counted lives on as well. An array: cannot be
 * full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} told_losses SEC(".maps");

/* The doorbell. Full: losses.ring_full; the sweep finds what was missed. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} ring SEC(".maps");

static const struct weir_flow empty_flow;
static const struct weir_name empty_name;
static const struct mappings empty_mappings;
static const struct mapping_page empty_mapping_page;
static const struct x11_stream empty_stream;

static __always_inline struct weir_state *state_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&state, &zero);
}

/* The entry is not there: the table is full, or memory was short. The lower half of what a helper
 * returns: up to 6.3 programs call a table's own function, which returns an int, and the upper half
 * is not its sign (bpf_map_ops, include/linux/bpf.h). */
static __always_inline bool maps_is_full(int error)
{
	return error == -7 /* E2BIG */ || error == -12 /* ENOMEM */;
}

#define COUNT(field) __sync_fetch_and_add(&(field), 1)

#endif
