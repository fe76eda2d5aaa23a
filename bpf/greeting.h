/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_GREETING_H
#define WEIR_GREETING_H

/*
 * By which of its first bytes a greeting is known: what a client says first on a connection, and
 * whom it is for. For both kernel objects and for userspace, so without any other header's types.
 */

#define GREETING_INLINE static inline __attribute__((always_inline))

/* RFC 8446 4 and 5.1 */
#define GREETING_TLS_HANDSHAKE 22
#define GREETING_TLS_VERSION 3
#define GREETING_TLS_CLIENT_HELLO 1
#define GREETING_TLS_HEADER_BYTES 5 /* of a record; then the type of the handshake */

/* The first four letters of a request. */
#define GREETING_METHOD(a, b, c, d) ((unsigned int)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define GREETING_CONNECT GREETING_METHOD('C', 'O', 'N', 'N')
#define GREETING_BYTES_MIN 16       /* of a request */
#define GREETING_REQUEST_BYTES 1024 /* that are searched for the Host */

/* RFC 9000 14.1, RFC 9369 3.1 */
#define GREETING_QUIC_BYTES_MIN 1200
#define GREETING_QUIC_VERSION_1 1u
#define GREETING_QUIC_VERSION_2 0x6b3343cfu

/* All but CONNECT, RFC 9110 9 and RFC 5789. */
GREETING_INLINE int greeting_is_request(unsigned int method)
{
	return method == GREETING_METHOD('G', 'E', 'T', ' ') ||
	       method == GREETING_METHOD('P', 'O', 'S', 'T') ||
	       method == GREETING_METHOD('P', 'U', 'T', ' ') ||
	       method == GREETING_METHOD('H', 'E', 'A', 'D') ||
	       method == GREETING_METHOD('P', 'A', 'T', 'C') ||
	       method == GREETING_METHOD('D', 'E', 'L', 'E') ||
	       method == GREETING_METHOD('O', 'P', 'T', 'I') ||
	       method == GREETING_METHOD('P', 'R', 'O', 'P');
}

/* A long header of the type Initial: RFC 9000 17.2.2, RFC 9369 3.2. */
GREETING_INLINE int greeting_is_quic(unsigned int first, unsigned int version)
{
	return (version == GREETING_QUIC_VERSION_1 && (first & 0xb0) == 0x80) ||
	       (version == GREETING_QUIC_VERSION_2 && (first & 0xb0) == 0x90);
}

#endif
