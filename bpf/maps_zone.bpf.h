/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_MAPS_ZONE_BPF_H
#define WEIR_MAPS_ZONE_BPF_H

/* The tables of what is known by a name; as those in maps.bpf.h. */

#include "maps.bpf.h"

/* Hash of a CRM's name, or of the end that all its names have with the dot before it, each read
 * from its last letter to its first: the labels of whatever is asked for by it, by port.
 * Written by the agent only. Full: the policy is refused, which the agent says. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct weir_zone);
} names SEC(".maps");

/* TCP sockets whose address may be the CRM's. Written at connect and accept, and by their writes
 * until they have decided; then it keeps a walk from looking again. Full: the one that was not used
 * for the longest time goes; a walk takes it for a new one, which is by its address what it was
 * first. */
enum candidate_state {
	CANDIDATE_SILENT = 0,   /* nothing said yet */
	CANDIDATE_REQUESTS = 1, /* each request says it anew */
	CANDIDATE_DECIDED = 2,
};

struct candidate {
	__u64 labels;      /* whatever it says */
	__u32 peer;        /* whose address that was: a socket can be connected again */
	__u16 port;        /* of the names that it may say; 0: any */
	__u16 heard_bytes; /* of a greeting in parts */
	__u8 state;        /* enum candidate_state */
	__u8 writes;       /* that said nothing */
	__u8 is_asked;     /* it is the CRM only where it says so */
	__u8 may_hide;     /* it is the CRM where it may hide its name */
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct weir_object_key);
	__type(value, struct candidate);
} candidates SEC(".maps");

/* Greetings that come in parts, by the inode number of the socket. Two at a time in one slot: the
 * one that began first says nothing. An array: cannot be full. */
#define GREETINGS_MAX 32
#define GREETING_BYTES 4096

struct greeting {
	__u64 ino;
	char text[2 * GREETING_BYTES]; /* the second half, so that the verifier sees an end */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GREETINGS_MAX);
	__type(key, __u32);
	__type(value, struct greeting);
} greetings SEC(".maps");

#endif
