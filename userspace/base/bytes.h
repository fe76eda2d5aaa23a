/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_BYTES_H
#define WEIR_BASE_BYTES_H

/*
 * Numbers in files: little-endian, wherever they stand, and the checksum (CRC-32 of zlib) that
 * tells a torn record from a whole one.
 */

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Each returns the byte behind what it wrote. */
static inline uint8_t *bytes_put16(uint8_t *to, uint16_t value)
{
	value = htole16(value);
	return (uint8_t *)memcpy(to, &value, sizeof(value)) + sizeof(value);
}

static inline uint8_t *bytes_put32(uint8_t *to, uint32_t value)
{
	value = htole32(value);
	return (uint8_t *)memcpy(to, &value, sizeof(value)) + sizeof(value);
}

static inline uint8_t *bytes_put64(uint8_t *to, uint64_t value)
{
	value = htole64(value);
	return (uint8_t *)memcpy(to, &value, sizeof(value)) + sizeof(value);
}

static inline uint16_t bytes_get16(const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return le16toh(value);
}

static inline uint32_t bytes_get32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

static inline uint64_t bytes_get64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

uint32_t bytes_checksum(const void *data, size_t size);

#endif
