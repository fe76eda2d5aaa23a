/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "wire/batch.h"

DEFINE_CLEANUP(batch_cleanup, struct batch, batch_free)

static void items_come_back_as_they_were(void **state)
{
	static const struct batch_item items[] = {
		{(const uint8_t *)"first", 5},
		{(const uint8_t *)"", 0},
		{(const uint8_t *)"\0\1\2", 3},
	};
	_cleanup_(batch_cleanup) struct batch *batch = NULL;
	_cleanup_free_ uint8_t *deflated = NULL;
	uint32_t raw_bytes;
	size_t size;

	(void)state;
	assert_int_equal(batch_deflate(items, 3, &deflated, &size, &raw_bytes), 0);
	assert_int_equal(batch_inflate(deflated, size, raw_bytes, &batch), 0);
	assert_int_equal(batch->n_items, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(batch->items[i].size, items[i].size);
		if (items[i].size > 0)
			assert_memory_equal(batch->items[i].data, items[i].data, items[i].size);
	}
}

static void given_bomb(size_t raw_bytes, uint8_t **ret_deflated, size_t *ret_size)
{
	_cleanup_free_ uint8_t *zeros = calloc(1, raw_bytes);
	uLongf size = compressBound(raw_bytes);

	*ret_deflated = malloc(size);
	assert_non_null(zeros);
	assert_non_null(*ret_deflated);
	assert_int_equal(compress(*ret_deflated, &size, zeros, raw_bytes), Z_OK);
	*ret_size = size;
}

static void a_decompression_bomb_is_refused_whatever_it_claims(void **state)
{
	_cleanup_free_ uint8_t *bomb = NULL;
	struct batch *batch = NULL;
	size_t size;

	(void)state;
	given_bomb(64 * 1024 * 1024, &bomb, &size);
	assert_in_range(size, 1, 128 * 1024);
	assert_int_equal(batch_inflate(bomb, size, 64 * 1024 * 1024, &batch), -EMSGSIZE);
	assert_int_equal(batch_inflate(bomb, size, BATCH_MAX_RAW_BYTES, &batch), -EBADMSG);
	assert_int_equal(batch_inflate(bomb, size, 0, &batch), -EBADMSG);
	assert_null(batch);
}

static void too_many_items_are_refused_on_both_sides(void **state)
{
	_cleanup_free_ struct batch_item *items = calloc(BATCH_MAX_EVENTS + 1, sizeof(*items));
	_cleanup_free_ uint8_t *deflated = NULL, *raw = calloc(2, BATCH_MAX_EVENTS + 1);
	uLongf deflated_size = compressBound(2 * (BATCH_MAX_EVENTS + 1));
	struct batch *batch = NULL;
	uint32_t raw_bytes;
	size_t size;

	(void)state;
	assert_non_null(items);
	assert_non_null(raw);
	for (size_t i = 0; i <= BATCH_MAX_EVENTS; i++) {
		items[i].data = raw;
		raw[2 * i] = 0x0a; /* field 1, bytes, of size 0 */
	}
	assert_int_equal(batch_deflate(items, BATCH_MAX_EVENTS + 1, &deflated, &size, &raw_bytes),
			 -EMSGSIZE);
	assert_int_equal(batch_deflate(items, 0, &deflated, &size, &raw_bytes), -EINVAL);
	items[0].size = BATCH_MAX_RAW_BYTES;
	assert_int_equal(batch_deflate(items, 1, &deflated, &size, &raw_bytes), -EMSGSIZE);

	deflated = malloc(deflated_size);
	assert_int_equal(compress(deflated, &deflated_size, raw, 2 * (BATCH_MAX_EVENTS + 1)), Z_OK);
	assert_int_equal(batch_inflate(deflated, deflated_size, 2 * (BATCH_MAX_EVENTS + 1), &batch),
			 -EMSGSIZE);
}

static void damaged_or_trailing_bytes_are_refused(void **state)
{
	static const struct batch_item item = {(const uint8_t *)"an event", 8};
	_cleanup_free_ uint8_t *deflated = NULL;
	struct batch *batch = NULL;
	uint32_t raw_bytes;
	size_t size;

	(void)state;
	assert_int_equal(batch_deflate(&item, 1, &deflated, &size, &raw_bytes), 0);
	deflated = realloc(deflated, size + 1);
	assert_non_null(deflated);
	deflated[size] = 0;
	assert_int_equal(batch_inflate(deflated, size + 1, raw_bytes, &batch), -EBADMSG);
	assert_int_equal(batch_inflate(deflated, size, raw_bytes + 1, &batch), -EBADMSG);
	assert_int_equal(batch_inflate(deflated, size, raw_bytes - 1, &batch), -EBADMSG);
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(batch_inflate(deflated, i, raw_bytes, &batch), -EBADMSG);
		deflated[i] ^= 0x55;
		assert_true(batch_inflate(deflated, size, raw_bytes, &batch) < 0);
		deflated[i] ^= 0x55;
	}
	assert_null(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_back_as_they_were),
		cmocka_unit_test(a_decompression_bomb_is_refused_whatever_it_claims),
		cmocka_unit_test(too_many_items_are_refused_on_both_sides),
		cmocka_unit_test(damaged_or_trailing_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
