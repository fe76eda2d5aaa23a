/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "collector/store/store_private.h"
#include "collector/store/store_sql.h"

enum {
	/* A damaged file is set aside and the batch tried again; a disk that damages
	 * every new file as well is an error. */
	MAX_ATTEMPTS = 64,
};

/* flock() belongs to the open file, so a killed collector leaves no stale lock behind. */
static int lock(struct store *store)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&path, "%s/store.lock", store->dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	store->lock_fd = TAKE_FD(fd);
	return 0;
}

/* Losses first: they are older than the batch. */
static int append_all(struct store *store, struct store_record *records, size_t n_records)
{
	int r = store_loss_report(store);

	if (r == 0 && n_records > 0)
		r = store_append_once(store, records, n_records, NULL);
	return r;
}

/* Sets aside whatever turns out to be damaged, and goes on. */
static int append(struct store *store, struct store_record *records, size_t n_records)
{
	bool made_room = false;

	for (int i = 0; i < MAX_ATTEMPTS; i++) {
		int r = append_all(store, records, n_records);

		if (r == -ENOSPC && !made_room) {
			store_segments_make_room(store);
			made_room = true;
			continue;
		}
		if (r != -EUCLEAN)
			return r;
		r = store_loss_set_aside(store, store->suspect);
		if (r < 0)
			return r;
	}
	return -EIO;
}

static int open_for_writing(struct store *store)
{
	int r = file_make_dirs(store->dir, 0700);

	if (r == 0)
		r = lock(store);
	if (r == 0)
		r = store_state_open(store);
	if (r == 0)
		r = store_segments_open(store);
	if (r < 0)
		return r;
	r = append(store, NULL, 0);
	/* With a full disk the store opens nevertheless, and tells at the next append. */
	return r == -ENOSPC ? 0 : r;
}

int store_open_with(const char *dir, bool read_only, const struct store_options *options,
		    struct store **ret_store)
{
	_cleanup_(store_freep) struct store *store = NULL;
	uint64_t rows = options && options->segment_rows ? options->segment_rows
							 : STORE_DEFAULT_SEGMENT_ROWS;
	int r;

	if (rows > STORE_SEGMENT_IDS - STORE_MAX_BATCH)
		return -EINVAL;
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->lock_fd = -1;
	store->read_only = read_only;
	store->segment_rows = rows;
	store->dir = strdup(dir);
	if (!store->dir)
		return -ENOMEM;
	r = read_only ? store_state_open(store) : open_for_writing(store);
	if (r < 0)
		return r;
	*ret_store = TAKE(store);
	return 0;
}

int store_open(const char *dir, bool read_only, struct store **ret_store)
{
	return store_open_with(dir, read_only, NULL, ret_store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_segments_close(store);
	store_sql_close(store->state, store->read_only);
	for (size_t i = 0; i < store->n_agents; i++)
		free(store->agents[i].name);
	free(store->agents);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->dir);
	free(store);
}

static int check_batch(const struct store_record *records, size_t n_records)
{
	if (n_records > STORE_MAX_BATCH)
		return -E2BIG;
	for (size_t i = 0; i < n_records; i++) {
		const struct event *event = records[i].event;

		if (!event || !event->agent || event->seq == 0 ||
		    strcmp(event->agent, records[0].event->agent) != 0)
			return -EINVAL;
	}
	return 0;
}

int store_append(struct store *store, struct store_record *records, size_t n_records)
{
	int r;

	if (store->read_only)
		return -EROFS;
	r = check_batch(records, n_records);
	if (r < 0 || n_records == 0)
		return r;
	return append(store, records, n_records);
}

static int last_seq_in_file(struct store *store, uint64_t number, const char *agent,
			    uint64_t *ret_seq)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	sqlite3_stmt *statement;
	int r = store_segment_open(store->dir, number, true, &segment);

	/* Being made, or set aside meanwhile, or damaged: the other files have the answer. */
	if (r == -ENODATA || r == -ENOENT || r == -EUCLEAN)
		return 0;
	if (r == 0)
		r = store_segment_statement(segment, SEGMENT_GET_LAST_SEQ, &statement);
	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, agent);
	r = store_sql_step(statement);
	if (r > 0)
		*ret_seq = store_sql_number(statement, 0);
	sqlite3_reset(statement);
	return r;
}

int store_last_seq(struct store *store, const char *agent, uint64_t *ret_seq)
{
	_cleanup_(store_segment_files_done) struct store_segment_files files = {};
	uint64_t last = 0;
	int r;

	if (!store->read_only) {
		*ret_seq = store_agents_last_seq(store, agent);
		return 0;
	}
	r = store_segment_list(store->dir, &files);
	for (size_t i = 0; r >= 0 && i < files.n_numbers; i++) {
		uint64_t seq = 0;

		r = last_seq_in_file(store, files.numbers[i], agent, &seq);
		if (seq > last)
			last = seq;
	}
	if (r < 0)
		return r;
	*ret_seq = last;
	return 0;
}

static void add_summary(struct store_counts *counts, const struct store_segment *segment)
{
	counts->segments++;
	counts->events += segment->summary.n_events;
	counts->duplicates += segment->summary.n_duplicates;
}

static int count_files(struct store *store, const struct store_segment_files *files,
		       struct store_counts *counts)
{
	for (size_t i = 0; i < files->n_numbers; i++) {
		_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
		int r = store_segment_open(store->dir, files->numbers[i], true, &segment);

		if (r == -ENODATA || r == -ENOENT || r == -EUCLEAN)
			continue;
		if (r < 0)
			return r;
		add_summary(counts, segment);
	}
	return 0;
}

int store_count(struct store *store, struct store_counts *ret_counts)
{
	_cleanup_(store_segment_files_done) struct store_segment_files files = {};
	struct store_counts counts = {};
	int r = store_segment_list(store->dir, &files);

	if (r < 0)
		return r;
	counts.segments_set_aside = files.n_set_aside;
	for (size_t i = 0; i < store->n_segments; i++)
		add_summary(&counts, store->segments[i]);
	if (store->read_only)
		r = count_files(store, &files, &counts);
	if (r == 0)
		r = store_sql_query_number(store->state, "SELECT count(*) FROM incidents",
					   &counts.incidents);
	if (r < 0)
		return r;
	*ret_counts = counts;
	return 0;
}

void store_record_free(struct store_record *record)
{
	if (!record)
		return;
	event_free(record->event);
	free(record->person);
	free(record);
}
