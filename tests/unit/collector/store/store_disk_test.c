/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "support/store_fixture.h"
#include "base/cleanup.h"

#define AGENT STORE_FIXTURE_AGENT

static char *dir;
static const struct store_query everything;

/* A real small disk, in a mount namespace of this test. */
static int given_a_small_disk(void **state)
{
	(void)state;
	dir = store_fixture_make_dir();
	if (mount("weir-test", dir, "tmpfs", 0, "size=3m,mode=0700") < 0)
		return -1;
	return 0;
}

static int remove_the_disk(void **state)
{
	(void)state;
	umount2(dir, MNT_DETACH);
	store_fixture_remove_dir(dir);
	return 0;
}

static int have_own_mounts(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("no mount namespace (not root?): a small disk cannot be made\n");
		return -1;
	}
	return 0;
}

/* Something else eats what room there is but for leave_bytes. */
static void fill_disk(size_t leave_bytes)
{
	static const char zeros[4096];
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	assert_true(asprintf(&path, "%s/ballast", dir) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros))
		;
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - (off_t)leave_bytes), 0);
}

static void make_room(void)
{
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&path, "%s/ballast", dir) > 0);
	assert_int_equal(unlink(path), 0);
}

/* Appends batches of 100 until the disk is full; returns the first seq that was refused. */
static uint64_t append_until_full(struct store *store, uint64_t seq)
{
	int r;

	while ((r = store_fixture_append(store, AGENT, seq, 100)) == 0)
		seq += 100;
	assert_int_equal(r, -ENOSPC);
	return seq;
}

static void assert_all_there(struct store *store, uint64_t last)
{
	struct store_fixture_found found = store_fixture_find(store, &everything);
	uint64_t seq;

	assert_int_equal(found.n, last);
	assert_int_equal(found.n_losses, 0);
	assert_int_equal(found.sum_bytes, 100 * last);
	assert_true(found.in_order_of_id);
	assert_int_equal(store_last_seq(store, AGENT, &seq), 0);
	assert_int_equal(seq, last);
}

static void a_full_disk_refuses_whole_batches_and_loses_nothing(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	uint64_t seq;

	(void)state;
	fill_disk(512UL * 1024);
	seq = append_until_full(store, 1);
	assert_true(seq > 100);
	/* What was stored can be read, and nothing of the refused batch is there. */
	assert_all_there(store, seq - 1);
	assert_int_equal(store_fixture_append(store, AGENT, seq, 100), -ENOSPC);
	make_room();
	assert_int_equal(store_fixture_append(store, AGENT, seq, 100), 0);
	assert_all_there(store, seq + 99);
}

static void ids_of_a_refused_batch_are_zero(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch(AGENT, 1, 2000);

	(void)state;
	fill_disk(0);
	assert_int_equal(store_append(store, records, 2000), -ENOSPC);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(records[i].id, 0);
	make_room();
	/* The same array again, as a retry does. */
	assert_int_equal(store_append(store, records, 2000), 0);
	assert_int_equal(records[0].id, 1);
	assert_int_equal(records[0].bytes, 100);
	store_fixture_free_batch(records, 2000);
}

static void a_new_segment_that_has_no_room_is_begun_later(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 100);

	(void)state;
	assert_int_equal(store_fixture_append(store, AGENT, 1, 100), 0);
	fill_disk(8192);
	assert_int_equal(store_fixture_append(store, AGENT, 101, 50), -ENOSPC);
	assert_int_equal(store_fixture_append(store, AGENT, 101, 50), -ENOSPC);
	assert_all_there(store, 100);
	make_room();
	assert_int_equal(store_fixture_append(store, AGENT, 101, 50), 0);
	assert_all_there(store, 150);
}

static void the_log_does_not_eat_the_disk(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	uint64_t seq = 1;
	int r;

	(void)state;
	/* Each commit of one event writes many pages to the log, most of them again and again. */
	while ((r = store_fixture_append(store, AGENT, seq, 1)) == 0 && seq < 1000)
		seq++;
	assert_int_equal(r, 0);
	assert_all_there(store, seq);
}

static void a_restart_after_a_full_disk_finds_everything(void **state)
{
	struct store *store = store_fixture_open(dir, 1000);
	uint64_t seq;

	(void)state;
	fill_disk(1024UL * 1024);
	seq = append_until_full(store, 1);
	store_close(store);
	make_room();
	store = store_fixture_open(dir, 1000);
	assert_all_there(store, seq - 1);
	assert_int_equal(store_fixture_append(store, AGENT, seq, 100), 0);
	assert_all_there(store, seq + 99);
	store_close(store);
}

static void opening_on_a_full_disk_is_refused_or_works_and_harms_nothing(void **state)
{
	struct store *store = store_fixture_open(dir, 0);
	int r;

	(void)state;
	assert_int_equal(store_fixture_append(store, AGENT, 1, 100), 0);
	store_close(store);
	fill_disk(0);
	r = store_open(dir, false, &store);
	assert_true(r == 0 || r == -ENOSPC);
	if (r == 0)
		store_close(store);
	make_room();
	store = store_fixture_open(dir, 0);
	assert_all_there(store, 100);
	store_close(store);
}

static void an_incident_without_room_is_refused_and_put_later(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	_cleanup_free_ char *document = calloc(1, 400000);
	char key[] = "P-1|im.test";
	struct store_incident incident = {.key = key, .document = document};
	struct store_counts counts;

	(void)state;
	memset(document, 'x', 399999);
	fill_disk(0);
	assert_int_equal(store_put_incident(store, &incident), -ENOSPC);
	make_room();
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.incidents, 0);
	assert_int_equal(store_put_incident(store, &incident), 0);
	assert_int_equal(incident.id, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, given_a_small_disk, remove_the_disk)
	const struct CMUnitTest tests[] = {
		TEST(a_full_disk_refuses_whole_batches_and_loses_nothing),
		TEST(ids_of_a_refused_batch_are_zero),
		TEST(a_new_segment_that_has_no_room_is_begun_later),
		TEST(the_log_does_not_eat_the_disk),
		TEST(a_restart_after_a_full_disk_finds_everything),
		TEST(opening_on_a_full_disk_is_refused_or_works_and_harms_nothing),
		TEST(an_incident_without_room_is_refused_and_put_later),
	};

	return cmocka_run_group_tests(tests, have_own_mounts, NULL);
}
