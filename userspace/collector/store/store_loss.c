/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/store/store_sql.h"

enum {
	MAX_SET_ASIDE_OF_ONE_NAME = 1000
};

static int sync_dir(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* PATH.corrupt, PATH.corrupt.2, ... */
static int corrupt_name(const char *path, unsigned int n, char **ret_name)
{
	char *name;
	int r = n < 2 ? asprintf(&name, "%s.corrupt", path)
		      : asprintf(&name, "%s.corrupt.%u", path, n);

	if (r < 0)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}

static int rename_side_file(const char *from, const char *to, const char *suffix)
{
	_cleanup_free_ char *old = NULL, *new = NULL;

	if (asprintf(&old, "%s%s", from, suffix) < 0) {
		old = NULL;
		return -ENOMEM;
	}
	if (asprintf(&new, "%s%s", to, suffix) < 0) {
		new = NULL;
		return -ENOMEM;
	}
	return rename(old, new) < 0 && errno != ENOENT ? -errno : 0;
}

int store_loss_rename(const char *path)
{
	_cleanup_free_ char *name = NULL;
	int r;

	for (unsigned int n = 1;; n++) {
		if (n > MAX_SET_ASIDE_OF_ONE_NAME)
			return -EMFILE;
		free(TAKE(name));
		r = corrupt_name(path, n, &name);
		if (r < 0)
			return r;
		if (access(name, F_OK) < 0)
			break;
	}
	/* The log first: a database without its log would be read as if it were whole. */
	r = rename_side_file(path, name, "-wal");
	if (r == 0)
		r = rename_side_file(path, name, "-shm");
	if (r < 0)
		return r;
	return rename(path, name) < 0 ? -errno : 0;
}

int store_loss_set_aside(struct store *store, uint64_t number)
{
	_cleanup_free_ char *path = NULL;
	int r = store_segment_path(store->dir, number, &path);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store->n_segments; i++) {
		struct store_segment *segment = store->segments[i];

		if (segment->number != number)
			continue;
		store_state_put_summary(store, segment, true);
		store_segment_rest(segment, true);
		store_segment_free(segment);
		memmove(store->segments + i, store->segments + i + 1,
			(store->n_segments - i - 1) * sizeof(*store->segments));
		store->n_segments--;
		break;
	}
	if (store->next_number <= number)
		store->next_number = number + 1;
	store->losses_pending = true;
	r = store_loss_rename(path);
	/* Gone already: a cursor that was open at the time finds the damage once more. */
	if (r < 0 && r != -ENOENT)
		return r;
	return sync_dir(store->dir);
}

static int describe(uint64_t number, const struct store_segment_summary *known, bool is_exact,
		    char **ret_text)
{
	uint64_t first = store_segment_first_id(number);
	int r;

	if (is_exact)
		r = asprintf(ret_text,
			     "events-%06" PRIu64 ".db is damaged: its %" PRIu64
			     " events (ids %" PRIu64 " to %" PRIu64
			     ") are missing; the file is kept",
			     number, known->n_events, first, known->last_id);
	else
		r = asprintf(ret_text,
			     "events-%06" PRIu64 ".db is damaged: its events (ids from %" PRIu64
			     ", %" PRIu64 " at most) are missing; the file is kept",
			     number, first, store_segment_first_id(number + 1) - 1);
	if (r < 0) {
		*ret_text = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int loss_record(char **text, struct store_record **ret_record)
{
	_cleanup_(store_record_freep) struct store_record *record = calloc(1, sizeof(*record));

	if (!record)
		return -ENOMEM;
	record->event = event_new();
	if (!record->event)
		return -ENOMEM;
	record->event->agent = strdup(STORE_AGENT);
	if (!record->event->agent)
		return -ENOMEM;
	record->event->kind = EVENT_LOSS;
	record->event->time_ns = clock_realtime_ns();
	record->event->detail = TAKE(*text);
	*ret_record = TAKE(record);
	return 0;
}

int store_loss_record(struct store *store, uint64_t number, struct store_record **ret_record)
{
	struct store_segment_summary known = {};
	_cleanup_free_ char *text = NULL;
	struct store_record *record;
	bool is_exact = false;
	int r = store_state_get_summary(store, number, &known, &is_exact);

	if (r < 0)
		is_exact = false;
	r = describe(number, &known, is_exact && known.n_events > 0, &text);
	if (r == 0)
		r = loss_record(&text, &record);
	if (r < 0)
		return r;
	record->id = store_segment_first_id(number);
	if (known.first_ns > 0) {
		record->event->time_ns = known.first_ns;
		record->event->gap_end_ns = known.last_ns;
	}
	record->event->dropped = is_exact ? known.n_events : 0;
	*ret_record = record;
	return 0;
}

/* Returns 1 when a segment says that the file's loss is on the timeline, 0 when not, -errno. */
static int is_told(struct store *store, const char *file)
{
	for (size_t i = 0; i < store->n_segments; i++) {
		struct store_segment *segment = store->segments[i];
		sqlite3_stmt *statement;
		int r = store_segments_use(store, segment);

		if (r == 0)
			r = store_segment_statement(segment, SEGMENT_FIND_LOSS, &statement);
		if (r < 0)
			return r;
		store_sql_bind_text(statement, 1, file);
		r = store_sql_step(statement);
		sqlite3_reset(statement);
		if (r != 0)
			return r;
	}
	return 0;
}

static int tell(struct store *store, struct store_record *record, const char *file)
{
	record->event->seq = store_agents_last_seq(store, STORE_AGENT) + 1;
	return store_append_once(store, record, 1, file);
}

static int report_segment(struct store *store, uint64_t number)
{
	_cleanup_(store_record_freep) struct store_record *record = NULL;
	char file[64];
	int r;

	snprintf(file, sizeof(file), "events-%06" PRIu64 ".db.corrupt", number);
	r = is_told(store, file);
	if (r != 0)
		return r < 0 ? r : 0;
	r = store_loss_record(store, number, &record);
	return r < 0 ? r : tell(store, record, file);
}

/* Returns 1 when there was such a file, 0 when not. */
static int report_state(struct store *store, unsigned int n)
{
	_cleanup_(store_record_freep) struct store_record *record = NULL;
	_cleanup_free_ char *path = NULL, *name = NULL, *text = NULL;
	int r;

	if (asprintf(&path, "%s/weir.db", store->dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = corrupt_name(path, n, &name);
	if (r < 0 || access(name, F_OK) < 0)
		return r;
	r = is_told(store, strrchr(name, '/') + 1);
	if (r != 0)
		return r;
	text = strdup("weir.db was damaged and is kept aside: incidents are worked out again "
		      "and have new numbers");
	if (!text)
		return -ENOMEM;
	r = loss_record(&text, &record);
	if (r == 0)
		r = tell(store, record, strrchr(name, '/') + 1);
	return r < 0 ? r : 1;
}

int store_loss_report(struct store *store)
{
	_cleanup_(store_segment_files_done) struct store_segment_files files = {};
	int r = 0;

	if (!store->losses_pending)
		return 0;
	r = store_segment_list(store->dir, &files);
	for (size_t i = 0; r == 0 && i < files.n_set_aside; i++)
		r = report_segment(store, files.set_aside[i]);
	for (unsigned int n = 1; r == 0 && n <= MAX_SET_ASIDE_OF_ONE_NAME; n++) {
		r = report_state(store, n);
		if (r == 0)
			break;
		r = r > 0 ? 0 : r;
	}
	if (r < 0)
		return r;
	store->losses_pending = false;
	return 0;
}
