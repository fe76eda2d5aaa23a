/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/zip_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/bytes.h"

static uint8_t *deflate_all(const void *data, size_t size, int window_bits, size_t *ret_size)
{
	z_stream stream = {.next_in = (uint8_t *)data, .avail_in = (unsigned int)size};
	uint8_t *packed;

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.avail_out = (unsigned int)deflateBound(&stream, size);
	packed = malloc(stream.avail_out);
	assert_non_null(packed);
	stream.next_out = packed;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*ret_size = stream.total_out;
	deflateEnd(&stream);
	return packed;
}

uint8_t *zip_fixture_gzip(const void *data, size_t size, size_t *ret_size)
{
	return deflate_all(data, size, MAX_WBITS + 16, ret_size);
}

/* What local and central header have in common, from the flags to the length of the extra field. */
static uint8_t *put_common(uint8_t *to, const struct zip_fixture_entry *entry, uint32_t checksum,
			   size_t packed)
{
	to = bytes_put16(to, entry->flags);
	to = bytes_put16(to, entry->method);
	to = bytes_put32(to, 0);
	to = bytes_put32(to, checksum);
	to = bytes_put32(to, (uint32_t)packed);
	to = bytes_put32(to, (uint32_t)entry->size);
	to = bytes_put16(to, (uint16_t)strlen(entry->name));
	return bytes_put16(to, 0);
}

static uint8_t *put_name(uint8_t *to, const char *name)
{
	return (uint8_t *)memcpy(to, name, strlen(name)) + strlen(name);
}

static uint8_t *put_local(uint8_t *to, const struct zip_fixture_entry *entry, size_t *ret_packed)
{
	uint32_t checksum = (uint32_t)crc32_z(crc32_z(0, NULL, 0), entry->data, entry->size);
	uint8_t *packed = NULL;
	size_t size = entry->size;

	if (entry->method == 8)
		packed = deflate_all(entry->data, entry->size, -MAX_WBITS, &size);
	to = bytes_put32(to, 0x04034b50);
	to = bytes_put16(to, 20);
	to = put_common(to, entry, checksum, size);
	to = put_name(to, entry->name);
	memcpy(to, packed ? packed : entry->data, size);
	free(packed);
	*ret_packed = size;
	return to + size;
}

static uint8_t *put_central(uint8_t *to, const struct zip_fixture_entry *entry, size_t packed,
			    size_t local)
{
	to = bytes_put32(to, 0x02014b50);
	to = bytes_put32(to, 20 << 16 | 20);
	to = put_common(to, entry, 0, packed);
	/* No comment, the first disk, no attributes. */
	memset(to, 0, 10);
	to += 10;
	to = bytes_put32(to, (uint32_t)local);
	return put_name(to, entry->name);
}

uint8_t *zip_fixture_make(const struct zip_fixture_entry *entries, size_t n_entries,
			  size_t *ret_size, struct zip_fixture_places *ret_places)
{
	size_t *locals = calloc(n_entries + 1, sizeof(*locals));
	size_t *packed = calloc(n_entries + 1, sizeof(*packed));
	size_t room = 22;
	struct zip_fixture_places places;
	uint8_t *archive, *to;

	for (size_t i = 0; i < n_entries; i++)
		room += 30 + 46 + 2 * strlen(entries[i].name) + entries[i].size * 2 + 64;
	archive = to = malloc(room);
	assert_true(locals && packed && archive);
	for (size_t i = 0; i < n_entries; i++) {
		locals[i] = (size_t)(to - archive);
		to = put_local(to, &entries[i], &packed[i]);
	}
	places.directory = (size_t)(to - archive);
	for (size_t i = 0; i < n_entries; i++)
		to = put_central(to, &entries[i], packed[i], locals[i]);
	places.end = (size_t)(to - archive);
	to = bytes_put32(to, 0x06054b50);
	to = bytes_put32(to, 0);
	to = bytes_put16(to, (uint16_t)n_entries);
	to = bytes_put16(to, (uint16_t)n_entries);
	to = bytes_put32(to, (uint32_t)(places.end - places.directory));
	to = bytes_put32(to, (uint32_t)places.directory);
	to = bytes_put16(to, 0);
	free(locals);
	free(packed);
	*ret_size = (size_t)(to - archive);
	if (ret_places)
		*ret_places = places;
	return archive;
}

int zip_fixture_open(const void *data, size_t size)
{
	int fd = memfd_create("weir-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	return fd;
}
