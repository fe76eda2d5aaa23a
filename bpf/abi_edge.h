/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_ABI_EDGE_H
#define WEIR_ABI_EDGE_H

/* The part of abi.h that goes through the ring buffer. */

#include "abi.h"

enum weir_edge_kind {
	WEIR_EDGE_FLOW = 1,    /* a flow began; look it up */
	WEIR_EDGE_APP = 2,     /* an app got a label */
	WEIR_EDGE_APP_END = 3, /* an open app's last process ended */
	WEIR_EDGE_PATH = 4,    /* struct weir_path_edge follows */
	WEIR_EDGE_TRUNCATE = 5,
	WEIR_EDGE_QUESTION = 6, /* struct weir_question follows */
	WEIR_EDGE_HELLO = 7,    /* struct weir_hello_edge follows */
};

#define WEIR_HELLO_BYTES 1504    /* of a datagram; more do not fit into an Ethernet frame */
#define WEIR_GREETING_BYTES 2048 /* a power of two */

/* A ring buffer record. It rings; the tables hold the truth. */
struct weir_edge {
	__u16 version;
	__u16 bytes; /* of the whole record */
	__u32 kind;  /* enum weir_edge_kind */
	__u64 time_ns;
	struct weir_flow_key flow;
	__u32 pid;
	__u32 syscall;
};

/* A path call by anybody whose last path component some labelled file has. */
struct weir_path_edge {
	struct weir_edge edge;
	__u32 operation; /* WEIR_CALL_UNLINK, WEIR_CALL_RENAME or WEIR_CALL_TRUNCATE */
	__u32 login_uid; /* of the caller, whose app may be gone when this is read */
	char comm[WEIR_TASK_COMM_BYTES];
	char path[WEIR_USER_PATH_BYTES]; /* as the caller gave it */
	char new_path[WEIR_USER_PATH_BYTES];
	struct weir_name directory; /* that a relative path starts from */
	struct weir_name new_directory;
};

/* What a labelled app asked a name server. Of the flow only the app is set. */
struct weir_question {
	struct weir_edge edge;
	__u32 message_bytes; /* of the whole query */
	__u16 question_bytes;
	__u16 padding;
	__u8 question[WEIR_QUESTION_BYTES]; /* as it was sent; what is behind its bytes is garbage
					     */
};

/* What a QUIC client said first on a flow. Stays on this machine: the agent reads whom it is for.
 */
struct weir_hello_edge {
	struct weir_edge edge; /* of its flow, the app only */
	struct weir_address peer;
	__u32 datagram_bytes;
	__u32 padding;
	__u8 datagram[WEIR_HELLO_BYTES];
};

/* A part of what some client, labelled or not, said first on a connection. In a ring of its own.
 * Stays on this machine: the agent reads whom it is for. */
struct weir_greeting {
	struct weir_address peer;
	__u32 offset; /* of the part in the greeting; 0 of datagrams */
	__u16 bytes;  /* 0: a TCP connection is being made */
	__u16 padding;
	__u8 data[WEIR_GREETING_BYTES];
};

static_assert(sizeof(struct weir_edge) == 56, "abi");
static_assert(sizeof(struct weir_path_edge) == 1376, "abi");
static_assert(sizeof(struct weir_question) == 328, "abi");
static_assert(sizeof(struct weir_hello_edge) == 1592, "abi");
static_assert(sizeof(struct weir_greeting) == 2080, "abi");

#endif
