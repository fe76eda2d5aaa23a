/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_QUIC_PACKET_H
#define WEIR_AGENT_ENRICH_QUIC_PACKET_H

/*
 * The Initial packets that a QUIC client sends: their keys follow from a number that stands in them
 * (RFC 9001 5.2, RFC 9369), so that whoever sees them can read the hello that they carry. Versions
 * 1 and 2. The bytes are somebody else's: nothing outside of them is looked at, and what does not
 * open is left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cipher.h"

#define QUIC_DATAGRAM_BYTES 1504 /* of which more are not looked at */

struct quic_keys {
	uint8_t key[CIPHER_KEY_SIZE], header_key[CIPHER_KEY_SIZE], iv[CIPHER_IV_SIZE];
	uint32_t version;
	bool is_set;
};

/* The frames of a packet, one behind another. */
typedef void (*quic_opened_fn)(void *userdata, const uint8_t *frames, size_t bytes);

/* Calls opened for each Initial packet of the datagram. keys: empty before the first datagram of a
 * connection; kept, as a client's later ones can be under the first one's. Returns how many packets
 * opened, or -ENOMEM. */
int quic_packet_open(struct quic_keys *keys, const uint8_t *datagram, size_t bytes,
		     quic_opened_fn opened, void *userdata);
/* Whether the datagram opens by its own number alone, and that is not the one which these keys were
 * made of: then another connection begins. False also when memory is out. */
bool quic_packet_is_another(const struct quic_keys *keys, const uint8_t *datagram, size_t bytes);

#endif
