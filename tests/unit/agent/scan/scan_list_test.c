/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/scan/scan_list.h"
#include "agent/scan/scan_open.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "event/event.h"

#define PEER UINT64_C(0x100) /* label of what came from it */

static int given_a_list(void **state)
{
	return scan_list_new((struct scan_list **)state);
}

static int clean_up(void **state)
{
	scan_list_free(*state);
	return 0;
}

static void note(struct scan_list *list, uint64_t ino, bool is_write, uint64_t app_id,
		 uint64_t at_ns)
{
	const struct scan_list_file seen = {
		.ino = ino, .dev = 1, .labels = 1, .path = (char *)"/f", .touched_ns = at_ns};
	const struct scan_reader by = {.app_id = app_id, .pid = (uint32_t)app_id};

	assert_int_equal(scan_list_note(list, &seen, is_write, &by), 0);
}

/* A file with what came from a peer, and nothing of a customer. */
static void note_received(struct scan_list *list, uint64_t ino, bool is_write, uint64_t app_id,
			  uint64_t at_ns)
{
	const struct scan_list_file seen = {.ino = ino,
					    .dev = 1,
					    .labels = PEER,
					    .path = (char *)"/f",
					    .touched_ns = at_ns,
					    .is_received = true};
	const struct scan_reader by = {.app_id = app_id, .pid = (uint32_t)app_id};

	assert_int_equal(scan_list_note(list, &seen, is_write, &by), 0);
}

static uint64_t next(struct scan_list *list, uint64_t quiet_since_ns)
{
	struct scan_list_file *file = scan_list_next(list, 10000, quiet_since_ns);

	return file ? file->ino : 0;
}

static void what_was_read_is_looked_at_when_its_reader_sends(void **state)
{
	note(*state, 1, false, 10, 100);
	note(*state, 2, false, 11, 101);
	assert_int_equal(next(*state, 1000), 0);
	scan_list_leave(*state, 12);
	assert_int_equal(next(*state, 1000), 0);
	scan_list_leave(*state, 11);
	assert_int_equal(next(*state, 1000), 2);
	assert_int_equal(next(*state, 1000), 0);
}

static void what_was_written_is_looked_at_when_it_is_quiet(void **state)
{
	note(*state, 1, true, 10, 100);
	note(*state, 2, true, 10, 90);
	assert_int_equal(next(*state, 90), 0);
	assert_int_equal(next(*state, 101), 2);
	note(*state, 1, true, 10, 200);
	assert_int_equal(next(*state, 150), 0);
	assert_int_equal(next(*state, 201), 1);
	assert_int_equal(next(*state, 201), 0);
}

static void what_was_quiet_leaves_by_whoever_had_read_it_before(void **state)
{
	note(*state, 1, true, 10, 100);
	note(*state, 1, false, 11, 101);
	assert_int_equal(next(*state, 1000), 1);
	scan_list_end_look(scan_list_find(*state, 1, 1, 0));
	scan_list_leave(*state, 11);
	assert_int_equal(next(*state, 1000), 1);
	scan_list_end_look(scan_list_find(*state, 1, 1, 0));
	/* It has left by him: what he sends then is something else. */
	scan_list_leave(*state, 11);
	assert_int_equal(next(*state, 1000), 0);
}

static void what_has_left_comes_before_what_was_written(void **state)
{
	note(*state, 1, true, 10, 100);
	note(*state, 2, true, 10, 101);
	note(*state, 2, false, 11, 102);
	scan_list_leave(*state, 11);
	assert_int_equal(next(*state, 1000), 2);
	assert_int_equal(next(*state, 1000), 1);
}

static void the_file_that_was_quiet_for_longest_is_forgotten(void **state)
{
	for (uint64_t i = 1; i <= SCAN_LIST_MAX_FILES; i++)
		note(*state, i, true, 10, i);
	note(*state, 1, true, 10, 5000);
	note(*state, 999999, true, 10, 5001);
	assert_null(scan_list_find(*state, 1, 2, 0));
	assert_non_null(scan_list_find(*state, 1, 1, 0));
	assert_int_equal(scan_list_forgotten(*state).files, 1);
}

static void of_many_readers_the_last_are_known(void **state)
{
	for (uint64_t app = 1; app <= SCAN_LIST_MAX_READERS + 1; app++)
		note(*state, 1, false, app, app);
	scan_list_leave(*state, 1);
	assert_int_equal(next(*state, 1), 0);
	scan_list_leave(*state, 2);
	assert_int_equal(next(*state, 1), 1);
	/* The first may send it yet, and nobody will know. */
	assert_int_equal(scan_list_forgotten(*state).readers, 1);
}

static void what_somebody_may_still_send_is_not_forgotten_without_a_word(void **state)
{
	note(*state, 1, true, 10, 1);
	note(*state, 2, false, 11, 2);
	note(*state, 3, true, 10, 3);
	assert_int_equal(next(*state, 1000), 1);
	assert_int_equal(next(*state, 1000), 3);
	for (uint64_t i = 4; i <= SCAN_LIST_MAX_FILES + 3; i++)
		note(*state, i, true, 10, i);
	/* Of three that gave way one was read by somebody. */
	assert_null(scan_list_find(*state, 1, 3, 0));
	assert_non_null(scan_list_find(*state, 1, 4, 0));
	assert_int_equal(scan_list_forgotten(*state).files, 1);
}

static void a_list_that_was_passed_on_is_not_forgotten_without_a_word(void **state)
{
	note_received(*state, 1, true, 20, 1);
	note_received(*state, 1, false, 20, 2);
	note_received(*state, 2, true, 20, 3);
	note_received(*state, 2, false, 21, 4);
	for (uint64_t i = 3; i <= SCAN_LIST_MAX_RECEIVED + 2; i++)
		note_received(*state, i, true, 20, 10 + i);
	assert_null(scan_list_find(*state, 1, 2, 0));
	/* The first, which only its writer has read, was no list. */
	assert_int_equal(scan_list_forgotten(*state).files, 1);
}

static void senders_are_each_noted_once(void **state)
{
	struct scan_list *list = *state;

	note(list, 1, false, 7, 1);
	for (size_t i = 0; i < SCAN_LIST_MAX_SENDERS; i++)
		scan_list_note_sender(list, 9);
	scan_list_note_sender(list, 7);
	scan_list_note_sender(list, 8);
	assert_int_equal(scan_list_forgotten(list).senders, 0);
	/* They may have sent what is noted as read only later in the sweep. */
	note(list, 2, false, 8, 1);
	assert_int_equal(next(list, 0), 0);
	scan_list_leave_all(list);
	assert_int_equal(next(list, 0), 1);
	assert_int_equal(next(list, 0), 2);
	/* And are done with. */
	scan_list_end_look(scan_list_find(list, 1, 1, 0));
	note(list, 1, false, 7, 2);
	scan_list_leave_all(list);
	assert_int_equal(next(list, 0), 0);
}

static void more_senders_than_there_is_room_for_are_counted(void **state)
{
	for (uint64_t i = 0; i < SCAN_LIST_MAX_SENDERS + 5; i++)
		scan_list_note_sender(*state, i);
	assert_int_equal(scan_list_forgotten(*state).senders, 5);
}

static void a_file_that_was_read_just_now_rests(void **state)
{
	note(*state, 1, false, 10, 100);
	scan_list_leave(*state, 10);
	scan_list_find(*state, 1, 1, 0)->rest_ns = 10001;
	assert_int_equal(next(*state, 1), 0);
	scan_list_find(*state, 1, 1, 0)->rest_ns = 10000;
	assert_int_equal(next(*state, 1), 1);
}

static void what_was_received_is_nobodys_business_until_customer_data_meets_it(void **state)
{
	note_received(*state, 1, true, 20, 100);
	note_received(*state, 1, false, 21, 101);
	scan_list_leave(*state, 21);
	assert_int_equal(next(*state, 9000), 0);
	scan_list_meet(*state, PEER << 1);
	assert_int_equal(next(*state, 9000), 0);
	scan_list_meet(*state, PEER | PEER << 1);
	assert_int_equal(next(*state, 9000), 1);
}

static void what_a_program_reads_of_its_own_is_no_list(void **state)
{
	note_received(*state, 1, true, 20, 100);
	note_received(*state, 1, false, 20, 101);
	scan_list_meet(*state, PEER);
	assert_int_equal(next(*state, 9000), 0);
}

static void a_list_is_looked_at_once_and_again_when_it_was_written(void **state)
{
	note_received(*state, 1, true, 20, 100);
	note_received(*state, 1, false, 21, 101);
	scan_list_meet(*state, PEER);
	assert_int_equal(next(*state, 9000), 1);
	scan_list_find(*state, 1, 1, 0)->is_told = true;
	scan_list_meet(*state, PEER);
	assert_int_equal(next(*state, 9000), 0);
	note_received(*state, 1, true, 20, 200);
	scan_list_meet(*state, PEER);
	assert_int_equal(next(*state, 9000), 1);
}

static void a_list_that_gets_customer_data_is_a_file_like_others(void **state)
{
	note_received(*state, 1, false, 21, 100);
	note(*state, 1, true, 10, 101);
	assert_int_equal(next(*state, 9000), 1);
	note(*state, 1, false, 11, 102);
	scan_list_leave(*state, 11);
	assert_int_equal(next(*state, 9000), 1);
}

static void what_was_received_crowds_nothing_else_out(void **state)
{
	note(*state, 1, true, 10, 1);
	for (uint64_t i = 2; i <= SCAN_LIST_MAX_FILES + 2; i++)
		note_received(*state, i, true, 20, i);
	assert_non_null(scan_list_find(*state, 1, 1, 0));
	assert_null(scan_list_find(*state, 1, 2, 0));
	assert_non_null(scan_list_find(*state, 1, SCAN_LIST_MAX_FILES + 2, 0));
	/* None of them was to be read. */
	assert_int_equal(scan_list_forgotten(*state).files, 0);
}

static struct event *given_found(size_t n_fingerprints)
{
	static const uint64_t fingerprints[EVENT_MAX_FINGERPRINTS];
	struct event *event = event_new();

	assert_int_equal(event_add_count(event, "a", n_fingerprints, fingerprints, n_fingerprints),
			 0);
	return event;
}

static void what_was_found_is_kept_within_a_bound(void **state)
{
	struct scan_list *list = *state;
	size_t n_kept = 0;

	for (uint64_t i = 1; i <= 40; i++) {
		struct scan_list_file *file;

		note(list, i, true, 10, i);
		file = scan_list_find(list, 1, i, 0);
		file->is_known = true;
		scan_list_keep(list, file, given_found(EVENT_MAX_FINGERPRINTS));
		assert_int_equal(file->is_known, file->found != NULL);
		n_kept += file->found != NULL;
	}
	assert_int_equal(n_kept, SCAN_LIST_MAX_KEPT / EVENT_MAX_FINGERPRINTS);
	/* What is handed out makes room. */
	event_free(scan_list_take(list, scan_list_find(list, 1, 1, 0)));
	assert_null(scan_list_take(list, scan_list_find(list, 1, 1, 0)));
	scan_list_keep(list, scan_list_find(list, 1, 40, 0), given_found(EVENT_MAX_FINGERPRINTS));
	assert_non_null(scan_list_find(list, 1, 40, 0)->found);
}

static struct scan_list_file describe(int fd, char *path)
{
	struct stat info;

	assert_int_equal(fstat(fd, &info), 0);
	return (struct scan_list_file){.ino = info.st_ino,
				       .dev = file_kernel_dev(info.st_dev),
				       .path = path,
				       .readers = {{.app_id = 1, .pid = (uint32_t)getpid()}},
				       .n_readers = 1};
}

static void a_file_is_opened_by_its_identity_or_not_at_all(void **state)
{
	char path[] = "/tmp/weir-scan-XXXXXX", other[64];
	_cleanup_close_ int fd = mkstemp(path);
	struct scan_list_file file = describe(fd, path);
	struct scan_version version = {};
	int opened;

	(void)state;
	assert_int_equal(write(fd, "12345", 5), 5);
	opened = scan_open(&file, &version);
	assert_true(opened >= 0);
	assert_int_equal(version.size, 5);
	assert_true(version.modified_ns > 0);
	close(opened);
	/* Another file under its name: then by who has it open. */
	snprintf(other, sizeof(other), "%s.other", path);
	close(open(other, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(rename(other, path), 0);
	opened = scan_open(&file, &version);
	assert_true(opened >= 0);
	assert_int_equal(version.size, 5);
	close(opened);
	file.n_readers = 0;
	assert_int_equal(scan_open(&file, &version), -ENOENT);
	unlink(path);
}

static void what_is_no_regular_file_is_not_opened(void **state)
{
	char path[] = "/tmp/weir-scan-XXXXXX/fifo";
	struct scan_version version;
	struct scan_list_file file;
	struct stat info;

	(void)state;
	path[strlen(path) - 5] = '\0';
	assert_non_null(mkdtemp(path));
	path[strlen(path)] = '/';
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(stat(path, &info), 0);
	file = (struct scan_list_file){
		.ino = info.st_ino, .dev = file_kernel_dev(info.st_dev), .path = path};
	assert_int_equal(scan_open(&file, &version), -ENOENT);
	unlink(path);
	path[strlen(path) - 5] = '\0';
	rmdir(path);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_list, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_was_read_is_looked_at_when_its_reader_sends),
		STORY(what_was_written_is_looked_at_when_it_is_quiet),
		STORY(what_was_quiet_leaves_by_whoever_had_read_it_before),
		STORY(what_has_left_comes_before_what_was_written),
		STORY(the_file_that_was_quiet_for_longest_is_forgotten),
		STORY(of_many_readers_the_last_are_known),
		STORY(what_somebody_may_still_send_is_not_forgotten_without_a_word),
		STORY(a_list_that_was_passed_on_is_not_forgotten_without_a_word),
		STORY(senders_are_each_noted_once),
		STORY(more_senders_than_there_is_room_for_are_counted),
		STORY(a_file_that_was_read_just_now_rests),
		STORY(what_was_received_is_nobodys_business_until_customer_data_meets_it),
		STORY(what_a_program_reads_of_its_own_is_no_list),
		STORY(a_list_is_looked_at_once_and_again_when_it_was_written),
		STORY(a_list_that_gets_customer_data_is_a_file_like_others),
		STORY(what_was_received_crowds_nothing_else_out),
		STORY(what_was_found_is_kept_within_a_bound),
		cmocka_unit_test(a_file_is_opened_by_its_identity_or_not_at_all),
		cmocka_unit_test(what_is_no_regular_file_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
