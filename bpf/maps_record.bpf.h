/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_MAPS_RECORD_BPF_H
#define WEIR_MAPS_RECORD_BPF_H

/* The tables of records in what apps write, in the clear or to be encrypted, see maps.bpf.h. */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"

/* What records look like, and the key of their fingerprints. Written by the agent only; the folder
 * that it is pinned in is root's. One element: cannot be full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_record_table);
} record_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_record_counts);
} record_counts SEC(".maps");

/* Pipes and sockets that labelled apps write text to, by a hash of app and object. The agent
 * deletes those that are over. Full: what is written there is not counted,
 * record_counts.streams_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);
	__type(value, struct weir_record_stream);
} record_streams SEC(".maps");

/* Fingerprints, each once a stream. Deleted with it. Full: record_counts.found_full, and the
 * stream's count is an estimate. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_record_key);
	__type(value, struct weir_record_found);
} records_found SEC(".maps");

/* Calls into TLS libraries that are under way, by thread: what is to be encrypted, and into which
 * connection it went meanwhile. Full: that call is not counted, its connection's count is an
 * estimate. */
struct tls_call {
	__u64 session; /* the library's own object: only to tell them apart */
	__u64 buffer;
	__u64 bytes;
	__u64 written; /* where the library says how many; 0: it returns that */
	__u64 stack;   /* pointer at the function's entry */
	struct weir_object_key connection;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct tls_call);
} tls_calls SEC(".maps");

/* Into which connection each session of an app went last. Full: the one that was not used for the
 * longest time goes, and is known again when it writes. */
struct tls_session {
	__u64 app_id;
	__u64 session;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct tls_session);
	__type(value, struct weir_object_key);
} tls_connections SEC(".maps");

static const struct weir_record_stream empty_record_stream;

#endif
