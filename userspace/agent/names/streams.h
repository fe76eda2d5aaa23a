/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_STREAMS_H
#define WEIR_AGENT_NAMES_STREAMS_H

/*
 * DNS messages out of TCP segments: each has its length before it (RFC 1035 4.2.2), and may come in
 * several pieces. Bounded: of too many connections the one that was silent for longest is let go;
 * one whose segments do not come in order, or whose message is too long, is not followed further.
 */

#include <stddef.h>
#include <stdint.h>

#define STREAMS_MAX 64
#define STREAMS_MESSAGE_BYTES 16384

struct packet;
struct streams;

int streams_new(struct streams **ret_streams);
void streams_free(struct streams *streams);

/*
 * Takes a segment and visits each message that is whole by it. Returns 0; -ENOENT of a connection
 * that is not followed, -EBADMSG when it is not followed from here on, -ENOMEM.
 */
int streams_take(struct streams *streams, const struct packet *packet,
		 void (*visit)(void *userdata, const uint8_t *message, size_t size),
		 void *userdata);

#endif
