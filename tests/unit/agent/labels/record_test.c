/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/labels/record.h"

#define FILES 100

struct fixture {
	struct record record;
	struct file_system_id file_systems[2];
	struct record_file files[FILES];
	uint8_t *data;
	size_t size;
};

static void encode(struct fixture *fixture)
{
	free(fixture->data);
	assert_int_equal(record_encode(&fixture->record, &fixture->data, &fixture->size), 0);
}

static int given_a_record_of_files_on_two_disks(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	fixture->record.labels[0] = (struct record_label){RECORD_CLASS, "customer.contact"};
	fixture->record.labels[63] = (struct record_label){RECORD_ORIGIN, "chat"};
	fixture->record.file_systems = fixture->file_systems;
	fixture->record.n_file_systems = 2;
	fixture->record.files = fixture->files;
	fixture->record.n_files = FILES;
	for (size_t i = 0; i < 2; i++) {
		fixture->file_systems[i].type = 0xef53;
		memset(fixture->file_systems[i].uuid, (int)(i + 1), FILE_SYSTEM_UUID_BYTES);
	}
	for (size_t i = 0; i < FILES; i++)
		fixture->files[i] = (struct record_file){
			.ino = 1000 + i,
			.labels = i % 2 ? UINT64_C(1) << 63 | 1 : 1,
			.since_ns = UINT64_C(1764000000000000000) + i,
			.generation = (uint32_t)(i * 2654435761u),
			.hops = (uint32_t)i,
			.file_system = (uint16_t)(i % 2),
			.is_source = i == 7,
		};
	encode(fixture);
	return 0;
}

static int clean_up(void **state)
{
	struct fixture *fixture = *state;

	free(fixture->data);
	free(fixture);
	return 0;
}

static void assert_is_same(const struct record_file *a, const struct record_file *b)
{
	assert_true(a->ino == b->ino && a->labels == b->labels && a->since_ns == b->since_ns);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->hops, b->hops);
	assert_int_equal(a->file_system, b->file_system);
	assert_int_equal(a->is_source, b->is_source);
}

/* All that is there must be as it was written, whatever is missing. */
static uint64_t decode_part(const struct fixture *fixture, size_t size)
{
	struct record record;
	uint64_t lost;

	assert_int_equal(record_decode(fixture->data, size, &record, &lost), 0);
	assert_int_equal(record.n_files + lost, FILES);
	for (size_t i = 0; i < record.n_files; i++) {
		const struct record_file *file = &record.files[i];
		const struct record_file *wanted = &fixture->files[file->ino - 1000];

		assert_true((file->labels & ~wanted->labels) == 0 && file->labels);
		assert_int_equal(file->generation, wanted->generation);
		assert_int_equal(file->file_system, wanted->file_system);
	}
	record_done(&record);
	return lost;
}

static void what_is_written_is_what_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct record record;
	uint64_t lost;

	assert_int_equal(record_decode(fixture->data, fixture->size, &record, &lost), 0);
	assert_int_equal(lost, 0);
	assert_int_equal(record.n_files, FILES);
	assert_int_equal(record.n_file_systems, 2);
	for (size_t i = 0; i < FILES; i++)
		assert_is_same(&record.files[i], &fixture->files[i]);
	for (size_t i = 0; i < RECORD_LABELS; i++) {
		assert_int_equal(record.labels[i].kind, fixture->record.labels[i].kind);
		assert_string_equal(record.labels[i].name, fixture->record.labels[i].name);
	}
	assert_memory_equal(record.file_systems, fixture->file_systems,
			    sizeof(fixture->file_systems));
	record_done(&record);
}

static void an_empty_record_is_none_the_worse(void **state)
{
	struct fixture *fixture = *state;
	struct record record;
	uint64_t lost;

	fixture->record.n_files = fixture->record.n_file_systems = 0;
	encode(fixture);
	assert_int_equal(record_decode(fixture->data, fixture->size, &record, &lost), 0);
	assert_int_equal(record.n_files + lost, 0);
	record_done(&record);
}

static void of_a_truncated_record_the_whole_files_are_read(void **state)
{
	struct fixture *fixture = *state;
	uint64_t lost_before = FILES;

	for (size_t size = RECORD_HEADER_BYTES; size <= fixture->size; size++) {
		uint64_t lost = decode_part(fixture, size);

		assert_true(lost <= lost_before);
		lost_before = lost;
	}
	assert_int_equal(lost_before, 0);
	assert_int_equal(decode_part(fixture, fixture->size - 1), 1);
}

static void a_damaged_byte_costs_one_file_at_most_and_is_counted(void **state)
{
	struct fixture *fixture = *state;
	size_t files_at = fixture->size - FILES * RECORD_FILE_BYTES;

	for (size_t at = files_at; at < fixture->size; at++) {
		fixture->data[at] ^= 0x41;
		assert_int_equal(decode_part(fixture, fixture->size), 1);
		fixture->data[at] ^= 0x41;
	}
}

static void a_damaged_label_or_file_system_costs_the_files_that_need_it(void **state)
{
	struct fixture *fixture = *state;
	size_t files_at = fixture->size - FILES * RECORD_FILE_BYTES;

	for (size_t at = RECORD_HEADER_BYTES; at < files_at; at++) {
		uint64_t lost;

		fixture->data[at] ^= 0x41;
		lost = decode_part(fixture, fixture->size);
		/* Files of one disk, or those with the first label alone; or they keep the first.
		 */
		assert_true(lost == 0 || lost == FILES / 2);
		fixture->data[at] ^= 0x41;
	}
}

static void of_a_damaged_header_nothing_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct record record;
	uint64_t lost;

	for (size_t at = 0; at < RECORD_HEADER_BYTES; at++) {
		int r;

		fixture->data[at] ^= 0x41;
		r = record_decode(fixture->data, fixture->size, &record, &lost);
		assert_int_equal(r, at >= 4 && at < 8 ? -EPROTONOSUPPORT : -EBADMSG);
		fixture->data[at] ^= 0x41;
	}
	for (size_t size = 0; size < RECORD_HEADER_BYTES; size++)
		assert_int_equal(record_decode(fixture->data, size, &record, &lost), -EBADMSG);
}

#define STORY(name) \
	cmocka_unit_test_setup_teardown(name, given_a_record_of_files_on_two_disks, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_written_is_what_is_read),
		STORY(an_empty_record_is_none_the_worse),
		STORY(of_a_truncated_record_the_whole_files_are_read),
		STORY(a_damaged_byte_costs_one_file_at_most_and_is_counted),
		STORY(a_damaged_label_or_file_system_costs_the_files_that_need_it),
		STORY(of_a_damaged_header_nothing_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
