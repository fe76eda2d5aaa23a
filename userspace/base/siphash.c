/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/siphash.h"

#include "base/bytes.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void mix(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static void take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	mix(s);
	s->v0 ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t size)
{
	uint64_t k0 = bytes_get64(key), k1 = bytes_get64(key + 8);
	struct state s = {.v0 = k0 ^ 0x736f6d6570736575ull,
			  .v1 = k1 ^ 0x646f72616e646f6dull,
			  .v2 = k0 ^ 0x6c7967656e657261ull,
			  .v3 = k1 ^ 0x7465646279746573ull};
	const uint8_t *at = data;
	uint64_t last = (uint64_t)size << 56;

	for (size_t left = size; left >= 8; left -= 8, at += 8)
		take(&s, bytes_get64(at));
	for (size_t i = 0; i < size % 8; i++)
		last |= (uint64_t)at[i] << 8 * i;
	take(&s, last);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
