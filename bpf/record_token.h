/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_RECORD_TOKEN_H
#define WEIR_RECORD_TOKEN_H

/* What a token counts as: its one form, its check and its fingerprint. As scan_kind.c has them. */

#include "record.h"

#define RECORD_RESIDENT_ID_BYTES 18
#define RECORD_MOBILE_BYTES 11
#define RECORD_CARD_MAX 19

/* Into stream->token. */
RECORD_INLINE void record_normalise(struct weir_record_stream *stream,
				    const struct weir_record_table *table, __u32 kind, __u32 start,
				    __u32 end)
{
	__u32 i;

	stream->token_bytes = 0;
	RECORD_BARRIER();
	for (i = 0; i < RECORD_TOKEN_MAX; i++) {
		__u32 byte;

		if (start + i >= end)
			break;
		byte = table->forms[kind & (WEIR_RECORD_FORMS - 1)]
				   [record_byte(stream, start + i) & 0xff];
		stream->token[stream->token_bytes & RECORD_TOKEN_MASK] = byte;
		stream->token_bytes += (byte + 0xff) >> 8;
		RECORD_BARRIER();
	}
}

RECORD_INLINE __u32 record_digit(const struct weir_record_stream *stream, __u32 at)
{
	return (stream->token[at & RECORD_TOKEN_MASK] - '0') & 0xff;
}

RECORD_INLINE __u32 record_days(__u32 month)
{
	/* 31 and 30 by turns, with a step after July. */
	return month == 2 ? 29 : 30 + ((month ^ month >> 3) & 1);
}

RECORD_INLINE bool record_is_birthday(const struct weir_record_stream *stream)
{
	__u32 year = record_digit(stream, 6) * 1000 + record_digit(stream, 7) * 100 +
		     record_digit(stream, 8) * 10 + record_digit(stream, 9);
	__u32 month = record_digit(stream, 10) * 10 + record_digit(stream, 11);
	__u32 day = record_digit(stream, 12) * 10 + record_digit(stream, 13);

	return year >= 1850 && year < 2100 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= record_days(month);
}

/* GB 11643-1999; its check is ISO 7064 MOD 11-2. */
RECORD_INLINE bool record_check_resident_id(const struct weir_record_stream *stream)
{
	__u32 i, sum = 0, check;

	if (stream->token_bytes != RECORD_RESIDENT_ID_BYTES || !record_is_birthday(stream))
		return false;
	for (i = 0; i < RECORD_RESIDENT_ID_BYTES - 1; i++)
		sum = (sum * 2 + record_digit(stream, i)) % 11;
	/* "10X98765432" */
	check = (12 - sum * 2 % 11) % 11;
	if (check == 10)
		return stream->token[RECORD_RESIDENT_ID_BYTES - 1] == 'X';
	return record_digit(stream, RECORD_RESIDENT_ID_BYTES - 1) == check;
}

/* ISO/IEC 7812-1, annex B: every second digit from the right is doubled. */
RECORD_INLINE bool record_check_card(const struct weir_record_stream *stream)
{
	__u32 n = stream->token_bytes, i, sum = 0;

	for (i = 0; i < RECORD_CARD_MAX; i++) {
		__u32 digit, doubles = ((n - i) & 1) ^ 1;

		if (i >= n)
			break;
		digit = record_digit(stream, i) << doubles;
		/* Less 9 from 10 on; without a branch, which would double the verifier's ways. */
		sum += digit - 9 * ((digit + 6) >> 4);
	}
	return n <= RECORD_CARD_MAX && sum % 10 == 0;
}

/* Whether the token is what its rule says, and where in it its counted form begins. */
RECORD_INLINE bool record_check(const struct weir_record_stream *stream, __u32 kind,
				__u32 *ret_offset)
{
	*ret_offset = 0;
	if (!stream->token_bytes || stream->token_bytes >= RECORD_TOKEN_MAX)
		return false;
	switch (kind) {
	case WEIR_RECORD_MOBILE: /* without the prefix of the country */
		if (stream->token_bytes < RECORD_MOBILE_BYTES)
			return false;
		*ret_offset = stream->token_bytes - RECORD_MOBILE_BYTES;
		return true;
	case WEIR_RECORD_RESIDENT_ID:
		return record_check_resident_id(stream);
	case WEIR_RECORD_BANK_CARD:
		return record_check_card(stream);
	}
	return true;
}

#define RECORD_ROTATE(value, bits) ((value) << (bits) | (value) >> (64 - (bits)))
#define RECORD_SIP_ROUND(v)                     \
	do {                                    \
		v[0] += v[1];                   \
		v[2] += v[3];                   \
		v[1] = RECORD_ROTATE(v[1], 13); \
		v[3] = RECORD_ROTATE(v[3], 16); \
		v[1] ^= v[0];                   \
		v[3] ^= v[2];                   \
		v[0] = RECORD_ROTATE(v[0], 32); \
		v[2] += v[1];                   \
		v[0] += v[3];                   \
		v[1] = RECORD_ROTATE(v[1], 17); \
		v[3] = RECORD_ROTATE(v[3], 21); \
		v[1] ^= v[2];                   \
		v[3] ^= v[0];                   \
		v[2] = RECORD_ROTATE(v[2], 32); \
	} while (0)

/* SipHash-2-4 of the tag and what stands in stream->message, as base/siphash.c has it of the same
 * bytes in one. Behind them the message is zero. */
RECORD_INLINE __u64 record_fingerprint(struct weir_record_stream *stream,
				       const struct weir_record_table *table, __u64 tag,
				       __u32 bytes)
{
	__u64 v[4] = {table->key[0] ^ 0x736f6d6570736575ull, table->key[1] ^ 0x646f72616e646f6dull,
		      table->key[0] ^ 0x6c7967656e657261ull, table->key[1] ^ 0x7465646279746573ull};
	__u32 i, words = bytes / 8 & 15;

	stream->message[words] |= (__u64)(bytes + sizeof(tag)) << 56;
	/* Or else the compiler takes the loop's own limit away, and verifiers up to 6.1 forget that
	 * of words, which they see go by the stack. */
	asm volatile("" : "+r"(words));
	v[3] ^= tag;
	RECORD_SIP_ROUND(v);
	RECORD_SIP_ROUND(v);
	v[0] ^= tag;
	for (i = 0; i < WEIR_RECORD_MESSAGE_WORDS; i++) {
		__u64 word = stream->message[i];

		v[3] ^= word;
		RECORD_SIP_ROUND(v);
		RECORD_SIP_ROUND(v);
		v[0] ^= word;
		if (i >= words)
			break;
	}
	v[2] ^= 0xff;
	RECORD_SIP_ROUND(v);
	RECORD_SIP_ROUND(v);
	RECORD_SIP_ROUND(v);
	RECORD_SIP_ROUND(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
