/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_QUIC_CLIENT_H
#define WEIR_TESTS_SUPPORT_QUIC_CLIENT_H

/* The first datagrams of a QUIC client, made as RFC 9001 says, and its appendix A has them. These
 * stop the test on failure. */

#include <stddef.h>
#include <stdint.h>

#define QUIC_CLIENT_DATAGRAM_BYTES 1200
#define QUIC_CLIENT_ROOM_BYTES 1162 /* for frames in one of them */

struct quic_client {
	uint32_t version;
	uint8_t id[8];     /* that the keys are made of */
	uint8_t header[8]; /* that the packet says: of the server, once it has answered */
	uint32_t number;   /* of the next packet */
};

/* Version 1 and the ids of RFC 9001 A. */
struct quic_client quic_client_of_rfc(void);
/* The CRYPTO frame of RFC 9001 A.2: a hello to example.com. Its length. */
size_t quic_client_rfc_frame(uint8_t ret_frame[QUIC_CLIENT_ROOM_BYTES]);
/* A CRYPTO frame of so many bytes of a hello, behind what is there. Their length then. */
size_t quic_client_add_frame(uint8_t frames[QUIC_CLIENT_ROOM_BYTES], size_t used,
			     const uint8_t *hello, size_t offset, size_t bytes);
/* Frames, and padding behind them, in one Initial packet. */
void quic_client_seal(struct quic_client *client, const uint8_t *frames, size_t bytes,
		      uint8_t ret_datagram[QUIC_CLIENT_DATAGRAM_BYTES]);

#endif
