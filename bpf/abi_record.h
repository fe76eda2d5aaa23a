/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_ABI_RECORD_H
#define WEIR_ABI_RECORD_H

/* The part of abi.h that is about records in what apps write. */

#include "abi.h"

/* What a record is recognised by in what apps write, see record.h. */
#define WEIR_RECORD_RULES 16
#define WEIR_RECORD_STATES 2048 /* 0: dead */
#define WEIR_RECORD_COLUMNS 64  /* bytes that no rule tells apart share one */
#define WEIR_RECORD_GROUPS 3
#define WEIR_RECORD_FORMS 8 /* kinds, and a power of two */
#define WEIR_RECORD_HITS 4  /* of a token; a power of two */
#define WEIR_RECORD_MAYBES 2
#define WEIR_RECORD_KEPT_BYTES 192
#define WEIR_RECORD_TOKEN_BYTES 160
#define WEIR_RECORD_WINDOW_BYTES 1024 /* a power of two */
#define WEIR_RECORD_MESSAGE_WORDS 17

/* What TLS adds to what it is given: at most so much a call and a record, RFC 8446 5.2, RFC 5246
 * 6.2.3; and what a client without a certificate sends for a handshake, ML-KEM included. */
#define WEIR_TLS_RECORD_BYTES 16384
#define WEIR_TLS_EXTRA_BYTES 352
#define WEIR_TLS_HANDSHAKE_BYTES 4096

enum weir_record_kind {
	WEIR_RECORD_PATTERN = 0,
	WEIR_RECORD_MOBILE = 1,
	WEIR_RECORD_RESIDENT_ID = 2,
	WEIR_RECORD_EMAIL = 3,
	WEIR_RECORD_BANK_CARD = 4,
};

/* What may stand around a token. */
enum weir_record_group {
	WEIR_RECORD_WORDS = 0,
	WEIR_RECORD_DIGITS = 1,
	WEIR_RECORD_MAIL = 2,
};

/* Of a byte. */
enum weir_record_sign {
	WEIR_SIGN_WORD = 1,
	WEIR_SIGN_DIGIT = 2,
	WEIR_SIGN_DOT = 4,
	WEIR_SIGN_DASH_AT = 8, /* - or @ */
	WEIR_SIGN_MAIL = 16,   /* may stand in the local part of an address */
	WEIR_SIGN_BEGINS = 32, /* a token can begin with it */
	WEIR_SIGN_ODD = 64,    /* text has none, or few */
	WEIR_SIGN_ESCAPE = 128,
};

struct weir_record_rule {
	__u64 tag;  /* is part of its fingerprints */
	__u32 kind; /* enum weir_record_kind */
	__u32 padding;
};

/* Written by the agent. */
struct weir_record_table {
	__u64 key[2];  /* of SipHash */
	__u32 n_rules; /* 0: nothing is looked for */
	__u32 padding;
	struct weir_record_rule rules[WEIR_RECORD_RULES];
	__u16 starts[1 << WEIR_RECORD_GROUPS]; /* states, by groups that may begin */
	__u16 of_group[WEIR_RECORD_GROUPS + 1];
	__u8 forms[WEIR_RECORD_FORMS][256]; /* by kind: a byte as it counts, 0: it does not */
	__u8 columns[256];
	__u8 signs[256];
	__u16 accepts[WEIR_RECORD_STATES]; /* rules */
	__u16 next[WEIR_RECORD_STATES * WEIR_RECORD_COLUMNS];
};

/* A text that fits these rules may end here. */
struct weir_record_hit {
	__u16 end;
	__u16 rules;
};

/* Where in its window a stream was read to. */
struct weir_record_place {
	__u32 position;
	__u32 start;      /* of the token that may be under way */
	__u32 retry;      /* where the next one might begin if that is none; 0: nowhere before */
	__u32 escape_end; /* before it, a token may stand right behind a letter */
	__u32 state;      /* 0: no token is under way */
	__u32 n_hits;
	__u32 before; /* signs of the byte before */
	__u32 padding;
	struct weir_record_hit hits[WEIR_RECORD_HITS];
};

/* Found if nothing more comes. */
struct weir_record_maybe {
	__u64 fingerprint;
	__u32 rule;
	__u32 padding;
};

/* Where the bytes of the running call lie in the caller's memory, see user_buffers.bpf.h. */
struct weir_user_buffers {
	__u64 vector; /* those to come */
	__u64 n_vector;
	__u64 address; /* what is read next of the one at hand */
	__u64 bytes;
	__u32 is_compat; /* iovecs of a 32-bit call */
	__u32 padding;
};

/* What an app writes into one object. From kept on it holds content, at rest only the last bytes of
 * which it is not known yet what they are. */
struct weir_record_stream {
	struct weir_flow_key flow;
	__u64 id;
	__u64 begun; /* calls whose bytes were looked at; not equal to ended: somebody does */
	__u64 ended;
	__u64 bytes; /* that were looked at */
	__u64 missed_bytes;
	__u64 odd_bytes;
	__u64 found; /* tokens in the table of what was found */
	__u64 last_ns;
	struct weir_record_maybe maybes[WEIR_RECORD_MAYBES];
	__u32 n_maybes; /* may be more than there is room for */
	__u8 is_cut;    /* something was missed in what was looked at */
	__u8 is_binary; /* no text, or none with records: not looked at any more */
	__u8 is_framed; /* what belongs together may stand apart: HTTP/2 */
	__u8 is_plain;  /* comes out of a TLS library, before it is encrypted */
	__u32 is_trying;
	__u32 kept_bytes;
	__u32 limit; /* in the window: so far it can be read */
	__u32 size;
	struct weir_record_place place, kept_place;
	struct weir_user_buffers from;
	__u64 left_bytes; /* of the running call */
	__u32 token_bytes;
	__u32 extra_bytes; /* is_plain: the most that the connection had beyond what was read */
	__u8 kept[WEIR_RECORD_KEPT_BYTES];
	__u8 token[WEIR_RECORD_TOKEN_BYTES];
	__u64 message[WEIR_RECORD_MESSAGE_WORDS];
	__u8 window[WEIR_RECORD_WINDOW_BYTES];
};

struct weir_record_key {
	__u64 stream;
	__u64 fingerprint;
};

struct weir_record_found {
	__u64 order; /* in its stream, from 1 */
	__u32 rule;
	__u32 padding;
};

/* Mapped by the agent. */
struct weir_record_counts {
	__u64 changes;      /* grows with every call that was looked at */
	__u64 streams_full; /* what was not looked at for want of room; likewise below */
	__u64 found_full;
	__u64 missed_bytes; /* of all streams */
};

static_assert(sizeof(struct weir_record_table) == 269104, "abi");
static_assert(sizeof(struct weir_record_place) == 48, "abi");
static_assert(sizeof(struct weir_record_stream) == 1816, "abi");
static_assert(sizeof(struct weir_record_counts) == 32, "abi");

#endif
