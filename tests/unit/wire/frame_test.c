/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame.h"

static void when_appended_by(struct frame_buffer *buffer, const uint8_t *bytes, size_t size,
			     size_t step)
{
	for (size_t i = 0; i < size; i += step)
		assert_int_equal(
			frame_buffer_append(buffer, bytes + i, size - i < step ? size - i : step),
			0);
}

static void frames_are_found_however_the_bytes_arrive(void **state)
{
	static const uint8_t bytes[] = "\0\0\0\3abc\0\0\0\1d\0\0\0\5efghi";

	(void)state;
	for (size_t step = 1; step < sizeof(bytes); step++) {
		struct frame_buffer buffer = {.limit_bytes = 16};
		const uint8_t *body;
		size_t size;

		when_appended_by(&buffer, bytes, sizeof(bytes) - 1, step);
		assert_int_equal(frame_buffer_next(&buffer, &body, &size), 1);
		assert_int_equal(size, 3);
		assert_memory_equal(body, "abc", 3);
		assert_int_equal(frame_buffer_next(&buffer, &body, &size), 1);
		assert_int_equal(size, 1);
		assert_int_equal(frame_buffer_next(&buffer, &body, &size), 1);
		assert_memory_equal(body, "efghi", 5);
		assert_int_equal(frame_buffer_next(&buffer, &body, &size), 0);
		frame_buffer_reset(&buffer);
	}
}

static void a_length_out_of_bounds_is_refused_at_once(void **state)
{
	static const uint8_t headers[][4] = {{0, 0, 0, 0}, {0, 0, 0, 17}, {0xff, 0xff, 0xff, 0xff}};
	const uint8_t *body;
	size_t size;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct frame_buffer buffer = {.limit_bytes = 16};

		when_appended_by(&buffer, headers[i], 4, 4);
		assert_int_equal(frame_buffer_next(&buffer, &body, &size), -EMSGSIZE);
		assert_int_equal(frame_buffer_next(&buffer, &body, &size), -EMSGSIZE);
		frame_buffer_reset(&buffer);
	}
}

static void a_written_header_is_read_back(void **state)
{
	struct frame_buffer buffer = {.limit_bytes = FRAME_MAX_BYTES};
	uint8_t *frame = calloc(1, FRAME_HEADER_BYTES + FRAME_MAX_BYTES);
	const uint8_t *body;
	size_t size;

	(void)state;
	assert_non_null(frame);
	frame_write_header(frame, FRAME_MAX_BYTES);
	when_appended_by(&buffer, frame, FRAME_HEADER_BYTES + FRAME_MAX_BYTES, 65536);
	assert_int_equal(frame_buffer_next(&buffer, &body, &size), 1);
	assert_int_equal(size, FRAME_MAX_BYTES);
	frame_buffer_reset(&buffer);
	free(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_found_however_the_bytes_arrive),
		cmocka_unit_test(a_length_out_of_bounds_is_refused_at_once),
		cmocka_unit_test(a_written_header_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
