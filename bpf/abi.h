/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_ABI_H
#define WEIR_ABI_H

/*
 * Every byte that the kernel side shares with userspace. Fixed-width types and
 * explicit padding only; a change of any size or offset is a new WEIR_ABI_VERSION,
 * because maps stay pinned across upgrades of the agent. Times are CLOCK_BOOTTIME.
 */

#ifndef __bpf__
#include <assert.h>
#include <linux/types.h>
#endif

#define WEIR_ABI_VERSION 4
/* Values of pinned tables have only grown at their end since then, the state as well, whatever it
 * is about: agents of other versions read their beginning. A change that cannot keep to it raises
 * this. */
#define WEIR_ABI_GROWS_SINCE 3

#define WEIR_NAME_BYTES 384      /* room for a path, see struct weir_name */
#define WEIR_NAME_PART_BYTES 128 /* one component with its NUL; longer ones are cut */
#define WEIR_NAME_PARTS 24
#define WEIR_SYSCALLS 512 /* numbers of one table */
#define WEIR_SUBCALLS 32  /* of a call that is several, by its first argument */
/* Where rules are in the table of all rules; a call's place is the number that it goes by here. */
#define WEIR_PLACE_COMPAT WEIR_SYSCALLS /* 32-bit calls, by number */
#define WEIR_PLACE_SOCKETCALL (2 * WEIR_SYSCALLS)
#define WEIR_PLACE_IPC (WEIR_PLACE_SOCKETCALL + WEIR_SUBCALLS)
#define WEIR_PLACES (WEIR_PLACE_IPC + WEIR_SUBCALLS)
#define WEIR_URING_OPERATIONS 256 /* all that an opcode can say */
#define WEIR_LABELS 64            /* bits of a mask */
#define WEIR_LABEL_NAME_BYTES 64
#define WEIR_ZONE_RULES 4
#define WEIR_FOLDER_DEVICES 4
#define WEIR_TASK_COMM_BYTES 16
#define WEIR_USER_PATH_BYTES 256
#define WEIR_QUESTION_BYTES 264 /* a name, its type and class: 255 and 4, RFC 1035 2.3.4, 4.1.2 */
#define WEIR_BASENAME_SEED 0xcbf29ce484222325ull /* FNV-1a, 64 bit */

/* dev of objects that have no inode of their own. */
#define WEIR_DEV_LOOPBACK 0xfffffff1u  /* ino: hash of (net namespace, sender, receiver) */
#define WEIR_DEV_UNIX_SOCK 0xfffffff2u /* ino: kernel address of a unix socket not accepted yet */
#define WEIR_DEV_GAP 0xfffffff3u       /* ino: place of a system call that is not followed */
#define WEIR_GAP_URING (1ull << 32)    /* with it, the number is an operation of io_uring */
#define WEIR_DEV_APP \
	0xfffffff4u /* ino: id of the other app: what it was executed with, its memory */

#define WEIR_DEV_CLIPBOARD 0xfffffff5u /* ino: hash of (X server, window, property) */
#define WEIR_DEV_SCREEN 0xfffffff7u    /* ino: hash of (display server, id of who took a picture) */

#define WEIR_DEV_TERMINAL 0xfffffff6u /* ino: hash of (pseudo-terminal, direction) */

#define WEIR_VOLATILE_SETTLED (~0ull) /* value in volatiles: its holders are known and open */

enum weir_kind {
	WEIR_KIND_NONE =
		0, /* carries no customer data: anon inodes, netlink, terminals, /dev/null */
	WEIR_KIND_FILE = 1,
	WEIR_KIND_PIPE = 2,
	WEIR_KIND_INET = 3,
	WEIR_KIND_UNIX = 4,
	WEIR_KIND_DEVICE = 5,
	WEIR_KIND_MEMORY = 6, /* of another app; never told: its flows are those of WEIR_DEV_APP */
	WEIR_KIND_CLIPBOARD = 7, /* or the flow's pipe is how a selection of Wayland is passed */
	WEIR_KIND_TERMINAL = 8,  /* what is pasted there */
	WEIR_KIND_SCREEN = 9,
	WEIR_KIND_CONSOLE = 10, /* what a virtual console shows, and is taken off it */
};

enum weir_direction {
	WEIR_IN = 1,  /* object to app */
	WEIR_OUT = 2, /* app to object */
};

/* What a system call does, one entry per number, written by the loader for its architecture. */
enum weir_call {
	WEIR_CALL_NONE = 0,
	WEIR_CALL_READ = 1,
	WEIR_CALL_WRITE = 2,
	WEIR_CALL_COPY = 3, /* fd to fd within the kernel */
	WEIR_CALL_OPEN = 4, /* returns a descriptor of a path */
	WEIR_CALL_CONNECT = 5,
	WEIR_CALL_ACCEPT = 6,
	WEIR_CALL_MMAP = 7,
	WEIR_CALL_UNLINK = 8,
	WEIR_CALL_RENAME = 9,
	WEIR_CALL_TAKE_FD = 10,  /* pidfd_getfd */
	WEIR_CALL_GAP = 11,      /* moves data in a way that is not followed */
	WEIR_CALL_MEMORY = 13,   /* between the caller and another process's memory */
	WEIR_CALL_PROTECT = 14,  /* a mapping may become writable */
	WEIR_CALL_ATTACH = 15,   /* a mapping of System V shared memory */
	WEIR_CALL_SUBCALLS = 16, /* several calls in one: socketcall, ipc */
	WEIR_CALL_BIND = 17,     /* a socket gets a name */
	WEIR_CALL_IOCTL = 18,    /* some of its commands, see hooks/console.bpf.h, clone.bpf.h */
	WEIR_CALL_VMSPLICE = 19, /* READ or WRITE, by which end of the pipe the descriptor is */
	WEIR_CALL_TRUNCATE = 20, /* of a path */
	WEIR_CALL_FTRUNCATE = 21,
};

/* What must be so before it matters of which kind a call is. */
enum weir_call_gate {
	WEIR_GATE_NONE = 0,
	WEIR_GATE_LABELS = 1, /* something is labelled, or may become so by being opened */
	WEIR_GATE_MOVES = 2,  /* some app may hold something labelled */
};

enum weir_call_list {
	WEIR_LIST_NONE = 0,
	WEIR_LIST_FIRST = 1,  /* argument 0 points to all of them: the old mmap of i386 */
	WEIR_LIST_SECOND = 2, /* argument 1: socketcall */
};

enum weir_call_form {
	WEIR_FORM_PLAIN = 0,
	WEIR_FORM_SENDTO = 1,    /* destination in arguments 4 and 5 */
	WEIR_FORM_MSGHDR = 2,    /* struct msghdr in argument 1 */
	WEIR_FORM_MMSGHDR = 3,   /* returns messages; bytes are in each msg_len */
	WEIR_FORM_AT = 4,        /* directory descriptor before the path */
	WEIR_FORM_FETCH = 5,     /* of MEMORY: from the other process */
	WEIR_FORM_STORE = 6,     /* of MEMORY: to the other process; of GAP: keyctl */
	WEIR_FORM_PTRACE = 7,    /* of MEMORY: either, by the request in argument 0 */
	WEIR_FORM_IOVEC = 8,     /* several buffers, in arguments 1 and 2 */
	WEIR_FORM_MULTISHOT = 9, /* of io_uring: completes many times */
	WEIR_FORM_EMPTYING = 10, /* of OPEN and FTRUNCATE: whatever the flags are */
};

struct weir_syscall {
	__u8 call;    /* enum weir_call */
	__u8 form;    /* enum weir_call_form */
	__u8 fd_arg;  /* argument that holds the descriptor; of COPY: the one read from; of OPEN:
			 flags; of MEMORY: the other process; of TRUNCATE: the length; of GAP: how
			 long it is, where only what is long is said, else 0 */
	__u8 fd2_arg; /* of COPY: the one written to */
};

/* An entry of the table of all rules. In no pinned table: each build brings its own. */
struct weir_rule {
	struct weir_syscall syscall;
	__u16 place;        /* its own */
	__u16 compat_place; /* of the 32-bit call of this number, where the two must be told apart
			       at once; of SUBCALLS: of the first of them */
	__u8 compat_gate;   /* enum weir_call_gate: before that */
	__u8 is_compat;     /* 32-bit registers and structs */
	__u8 list;          /* enum weir_call_list: arguments in memory, 32 bits each */
	__u8 padding;
};

/* Data in a property of a window, on its way from one client of an X server to another one. */
struct weir_clipboard {
	__u64 labels;
	__u64 bytes;
	__u64 epoch; /* last walk before it was written */
	__u32 type;  /* an atom */
	__u32 hops;  /* crossings from the source */
};

/* Kernel identity of an object. */
struct weir_object_key {
	__u64 ino;
	__u32 dev;        /* s_dev as the kernel holds it: major << 20 | minor */
	__u32 generation; /* i_generation; 0 where the file system has none */
};

struct weir_flow_key {
	__u64 app_id;
	struct weir_object_key object;
	__u32 direction;   /* enum weir_direction */
	__u32 destination; /* hash of the peer of an unconnected datagram, else 0 */
};

/* A path, last component first, each with its NUL: "out.csv\0alice\0home\0". */
struct weir_name {
	__u16 bytes;      /* used of text */
	__u8 is_cut;      /* the upper components did not fit */
	__u8 is_unlinked; /* no name on disk any more, or none ever */
	__u32 padding;
	char text[WEIR_NAME_BYTES];
};

struct weir_address {
	__u8 ip[16]; /* IPv4 as v4-mapped */
	__u16 port;  /* host order */
	__u16 local_port;
	__u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP, ... */
	__u8 padding[3];
};

struct weir_flow {
	__u64 bytes;
	__u64 calls;
	__u64 turns;  /* changes of direction from out to in, on a CRM socket */
	__u64 labels; /* all that ever crossed here */
	__u64 first_ns;
	__u64 last_ns;
	__u32 pid; /* who moved the first byte */
	__u32 hops;
	__u8 kind;         /* enum weir_kind */
	__u8 is_ready;     /* name and peer are written */
	__u8 is_estimated; /* some bytes are a mapping's length, not a count */
	__u8 is_crm;
	__u8 host_source; /* enum weir_host_source */
	__u8 padding;
	__u16 questions; /* calls that sent nothing but plain DNS queries; stays at its largest */
	struct weir_address peer;
	struct weir_name
		name; /* of INET: the host, as whoever sent its name wrote it, without NUL */
};

/* Who says which host a connection is for. */
enum weir_host_source {
	WEIR_HOST_NONE = 0,
	WEIR_HOST_TLS = 1,       /* the server name of a ClientHello */
	WEIR_HOST_TLS_FRONT = 2, /* the same, of one that hides another one or pretends to */
	WEIR_HOST_CONNECT = 3,   /* the target of an HTTP CONNECT */
	WEIR_HOST_HTTP = 4,      /* the Host of an HTTP request */
};

struct weir_object {
	__u64 labels;
	__u64 first_ns;   /* when the label came on */
	__u64 seen_epoch; /* last walk over descriptors that met it */
	__u32 hops;       /* crossings from the source; 0 at the source */
	__u8 kind;
	__u8 is_crm;
	__u8 is_source;    /* labelled by the policy, not by a writer */
	__u8 last_was_out; /* enum weir_turn; of a CRM socket: the next byte in is a turn */
};

enum weir_turn {
	WEIR_TURN_OUT = 1,
	WEIR_TURN_PROXY = 2, /* what goes out next is for a proxy, whose answer is none */
};

struct weir_app {
	__u64 id;
	__u64 parent_id;
	__u64 start_ns;
	__u64 ended_ns; /* 0 while a process lives */
	__u64 labels;   /* of a hub: what it may write to a clipboard, and nowhere else */
	__u64 labelled_ns;
	__u64 processes;
	__u64 overflow_in_bytes; /* moved while the flow table was full */
	__u64 overflow_out_bytes;
	__u64 cgroup_id; /* in the v2 hierarchy, where it was executed; 1: its root; 0: unknown */
	struct weir_object_key exe;
	__u32 pid;
	__u32 login_uid;
	__u32 hops;
	__u8 is_open; /* gate 1: may hold a labelled object */
	__u8 is_hub;
	__u8 has_mappings;    /* that share what is written to them */
	__u8 is_input_method; /* a hub that hands on no selection */
	char comm[WEIR_TASK_COMM_BYTES];
};

#define WEIR_MAPPING_PAGES 64 /* of an app */

struct weir_mapping_page_key {
	__u64 app_id;
	__u64 page; /* from 0, without holes */
};

struct weir_executable {
	__u64 labels;
	__u8 is_hub;
	__u8 is_input_method;
	__u8 padding[6];
};

/* Key of the longest-prefix table of zones. */
struct weir_zone_key {
	__u32 prefix_bits;
	__u8 ip[16];
};

/* What makes a connection to an address the place's own. */
enum weir_reach {
	WEIR_REACH_ADDRESS = 0, /* that it goes there */
	WEIR_REACH_NAME = 1,    /* the same, unless it says another name: others have the address */
	WEIR_REACH_ASKED = 2,   /* that it asks for a name of the place: a proxy, a CDN */
};

struct weir_zone_rule {
	__u64 labels;
	__u16 port; /* host order; 0: any */
	__u8 is_crm;
	__u8 is_set;
	__u8 reach;    /* enum weir_reach */
	__u8 may_hide; /* of NAME: another name may be the front of a TLS hello that hides its own
			*/
	__u8 padding[2];
};

struct weir_zone {
	struct weir_zone_rule rules[WEIR_ZONE_RULES];
};

struct weir_folder_key {
	__u64 ino;
	__u32 dev;
	__u32 padding;
};

enum weir_label_kind {
	WEIR_LABEL_FREE = 0,
	WEIR_LABEL_CLASS = 1,
	WEIR_LABEL_ORIGIN = 2, /* a sink that tracks what comes in */
};

/* Whose a label bit is. */
struct weir_label {
	__u32 kind; /* enum weir_label_kind */
	__u32 padding;
	char name[WEIR_LABEL_NAME_BYTES];
};

/* Tables whose longest unused entry gives way to a new one, see lru.bpf.h. */
enum weir_lru {
	WEIR_LRU_ENDPOINTS,
	WEIR_LRU_CANDIDATES,
	WEIR_LRU_TLS_CONNECTIONS,
	WEIR_LRU_X11_STREAMS,
	WEIR_LRU_WAYLAND_STREAMS,
	WEIR_LRU_SCREENS,
	WEIR_LRU_PASTES,
	WEIR_LRU_RELAYS,
	WEIR_LRU_TERMINALS,
	WEIR_LRU_TABLES,
};

/* What was lost, by table. Only identities and names: bytes go to the app's overflow. */
struct weir_losses {
	__u64 processes_full;
	__u64 apps_full;
	__u64 objects_full;
	__u64 flows_full;
	__u64 ring_full;
	__u64 unknown_calls; /* of open apps: x32 calls are not decoded */
	__u64 inflight_full;
	__u64 labels_too_far; /* dropped by the limit on hops */
	__u64 names_full;     /* of labelled files and apps */
	__u64 volatiles_full;
	__u64 mappings_full;
};

/* The one element of the state table; mapped by the agent. */
struct weir_state {
	__u32 abi_version;
	__u32 bytes;            /* sizeof(struct weir_state) */
	__u64 build;            /* which object's programs are attached */
	__u64 hot;              /* open apps; 0 closes gate 1 for everybody */
	__u64 openings;         /* of apps, ever */
	__u64 volatile_objects; /* labelled objects that apps may hold without having opened them */
	__u64 unsettled_objects; /* those of them whose holders no walk has met yet */
	__u64 labelled_files;
	__u64 epoch;
	__u64 basename_seed; /* WEIR_BASENAME_SEED, in a place that the verifier cannot see through
			      */
	__u64 agent_seen_ns; /* written by the agent at each sweep: the start of a gap */
	__u64 origin_labels; /* mask: the bits that say where data came in from */
	__u32 max_hops;
	__u32 arguments_min_bytes; /* arguments this long pass every label on; 0: never */
	__u32 screen_recent_s; /* what was drawn so long ago may be in a picture; 0: nothing is */
	__u32 candidate_rules; /* of zones, that are not by address alone */
	__u32 folder_count;
	__u32 padding;
	__u32 folder_devices[WEIR_FOLDER_DEVICES]; /* s_dev of folder sources; all ones: any */
	struct weir_losses losses;
	__u64 edges;         /* records written to the ring */
	__u64 edges_read;    /* of those, by the agents so far; written by them */
	__u64 label_changes; /* labels set on apps and objects, ever */
	/* A loss, at the end as the state only grows there: labelled files in memory, whose end is
	 * not noticed then. */
	__u64 inodes_full;
};

static_assert(sizeof(struct weir_syscall) == 4, "abi");
static_assert(sizeof(struct weir_rule) == 12, "abi");
static_assert(sizeof(struct weir_clipboard) == 32, "abi");
static_assert(sizeof(struct weir_object_key) == 16, "abi");
static_assert(sizeof(struct weir_flow_key) == 32, "abi");
static_assert(sizeof(struct weir_name) == 392, "abi");
static_assert(sizeof(struct weir_address) == 24, "abi");
static_assert(sizeof(struct weir_flow) == 480, "abi");
static_assert(sizeof(struct weir_object) == 32, "abi");
static_assert(sizeof(struct weir_app) == 128, "abi");
static_assert(sizeof(struct weir_mapping_page_key) == 16, "abi");
static_assert(sizeof(struct weir_zone_key) == 20, "abi");
static_assert(sizeof(struct weir_zone) == 64, "abi");
static_assert(sizeof(struct weir_label) == 72, "abi");
static_assert(sizeof(struct weir_state) == 248, "abi");

#include "abi_edge.h"
#include "abi_record.h"

#endif
