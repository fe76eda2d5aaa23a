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
#define GREETING_HEAD_BYTES 6       /* by which it is known */

/* The first four letters of a request. */
#define GREETING_METHOD(a, b, c, d) ((unsigned int)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define GREETING_CONNECT GREETING_METHOD('C', 'O', 'N', 'N')
#define GREETING_BYTES_MIN 16       /* of a request */
#define GREETING_REQUEST_BYTES 1024 /* that are searched for the Host */

/* What was read of a request: its last six letters, and above them */
#define GREETING_LETTERS ((1ull << 48) - 1)
#define GREETING_IS_REQUEST (1ull << 48)
#define GREETING_IS_NAMED (1ull << 49)  /* by the line that is being read */
#define GREETING_IS_OVER (1ull << 50)   /* what follows does not say whom it is for */
#define GREETING_HOST 0x0a484f53543aull /* "\nHOST:" */
#define GREETING_HOST_MASK 0xffdfdfdfdfffull

/* RFC 9000 14.1, RFC 9369 3.1 */
#define GREETING_QUIC_BYTES_MIN 1200
#define GREETING_QUIC_VERSION_1 1u
#define GREETING_QUIC_VERSION_2 0x6b3343cfu

/* Whether it is that one, as far as the mask goes. */
#define GREETING_IS_LIKE(method, mask, a, b, c, d) \
	((((method) ^ GREETING_METHOD(a, b, c, d)) & (mask)) == 0)

/* All but CONNECT, RFC 9110 9 and RFC 5789. */
GREETING_INLINE int greeting_begins_request(unsigned int method, unsigned int mask)
{
	return GREETING_IS_LIKE(method, mask, 'G', 'E', 'T', ' ') ||
	       GREETING_IS_LIKE(method, mask, 'P', 'O', 'S', 'T') ||
	       GREETING_IS_LIKE(method, mask, 'P', 'U', 'T', ' ') ||
	       GREETING_IS_LIKE(method, mask, 'H', 'E', 'A', 'D') ||
	       GREETING_IS_LIKE(method, mask, 'P', 'A', 'T', 'C') ||
	       GREETING_IS_LIKE(method, mask, 'D', 'E', 'L', 'E') ||
	       GREETING_IS_LIKE(method, mask, 'O', 'P', 'T', 'I') ||
	       GREETING_IS_LIKE(method, mask, 'P', 'R', 'O', 'P');
}

GREETING_INLINE int greeting_is_request(unsigned int method)
{
	return greeting_begins_request(method, ~0u);
}

/* head: the first letters of what was said, so many, GREETING_HEAD_BYTES at most. Returns how many
 * bytes are a greeting's, and more than there are where that cannot be told yet; with
 * GREETING_IS_REQUEST, and GREETING_IS_NAMED where its first line says it. 0: it is none. */
GREETING_INLINE unsigned long long greeting_measure(unsigned long long head, unsigned int bytes)
{
	unsigned long long whole = head << 8 * (GREETING_HEAD_BYTES - bytes);
	unsigned int mask = bytes < 4 ? ~0u << 8 * (4 - bytes) : ~0u;
	unsigned int method = (unsigned int)(whole >> 16), length = whole >> 8 & 0xffff;

	if (!bytes)
		return 0;
	if (whole >> 40 == GREETING_TLS_HANDSHAKE) {
		if (bytes > 1 && (whole >> 32 & 0xff) != GREETING_TLS_VERSION)
			return 0;
		if (bytes < GREETING_HEAD_BYTES)
			return GREETING_HEAD_BYTES;
		return length && (whole & 0xff) == GREETING_TLS_CLIENT_HELLO
			       ? GREETING_TLS_HEADER_BYTES + length
			       : 0;
	}
	if (!GREETING_IS_LIKE(method, mask, 'C', 'O', 'N', 'N') &&
	    !greeting_begins_request(method, mask))
		return 0;
	if (bytes < 4)
		return GREETING_HEAD_BYTES;
	return GREETING_REQUEST_BYTES | GREETING_IS_REQUEST |
	       (method == GREETING_CONNECT ? GREETING_IS_NAMED : 0);
}

/* Reads a letter of a request. It is over behind the line that names the host, or an empty one. */
GREETING_INLINE unsigned long long greeting_read(unsigned long long heard, unsigned int letter)
{
	unsigned long long letters = (heard << 8 | letter) & GREETING_LETTERS;
	unsigned long long flags = heard & ~GREETING_LETTERS;

	if ((letters & GREETING_HOST_MASK) == GREETING_HOST)
		flags |= GREETING_IS_NAMED;
	if (letter == '\n' && (flags & GREETING_IS_NAMED || (letters & 0xffff) == 0x0a0a ||
			       (letters & 0xffffff) == 0x0a0d0a))
		flags |= GREETING_IS_OVER;
	return flags | letters;
}

/* A long header of the type Initial: RFC 9000 17.2.2, RFC 9369 3.2. */
GREETING_INLINE int greeting_is_quic(unsigned int first, unsigned int version)
{
	return (version == GREETING_QUIC_VERSION_1 && (first & 0xb0) == 0x80) ||
	       (version == GREETING_QUIC_VERSION_2 && (first & 0xb0) == 0x90);
}

#endif
