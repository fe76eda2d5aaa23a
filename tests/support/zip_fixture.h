/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_ZIP_FIXTURE_H
#define WEIR_TESTS_SUPPORT_ZIP_FIXTURE_H

/* Files in memory for what reads files: plain, gzipped, and zip archives of any entries. Failures
 * end the test. */

#include <stddef.h>
#include <stdint.h>

struct zip_fixture_entry {
	const char *name;
	const void *data;
	size_t size;
	uint16_t method; /* 0 or 8; others are written as 0 and called so */
	uint16_t flags;
};

/* Offsets in an archive, for tests that damage it. */
struct zip_fixture_places {
	size_t directory, end;
};

/* The archive's bytes; the caller frees them. ret_places may be NULL. */
uint8_t *zip_fixture_make(const struct zip_fixture_entry *entries, size_t n_entries,
			  size_t *ret_size, struct zip_fixture_places *ret_places);
/* A gzip member. The caller frees it. */
uint8_t *zip_fixture_gzip(const void *data, size_t size, size_t *ret_size);
/* A descriptor of a file with these bytes. */
int zip_fixture_open(const void *data, size_t size);

#endif
