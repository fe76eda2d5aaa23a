/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_list.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"

struct scan_list {
	void *tree;                                   /* of struct scan_list_file, by identity */
	TAILQ_HEAD(scan_files, scan_list_file) files; /* touched last stands last */
	size_t n_files, n_received;
	size_t n_kept; /* fingerprints */
	uint64_t senders[SCAN_LIST_MAX_SENDERS];
	size_t n_senders;
	struct scan_list_forgotten forgotten;
};

static int compare(const void *a, const void *b)
{
	const struct scan_list_file *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->generation > y->generation) - (x->generation < y->generation);
}

static void free_file(void *pointer)
{
	struct scan_list_file *file = pointer;

	event_free(file->found);
	free(file->path);
	free(file);
}

int scan_list_new(struct scan_list **ret_list)
{
	struct scan_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	TAILQ_INIT(&list->files);
	*ret_list = list;
	return 0;
}

void scan_list_free(struct scan_list *list)
{
	if (!list)
		return;
	tdestroy(list->tree, free_file);
	free(list);
}

struct scan_list_file *scan_list_find(struct scan_list *list, uint32_t dev, uint64_t ino,
				      uint32_t generation)
{
	const struct scan_list_file wanted = {.dev = dev, .ino = ino, .generation = generation};
	struct scan_list_file **slot = tfind(&wanted, &list->tree, compare);

	return slot ? *slot : NULL;
}

static size_t count_fingerprints(const struct event *event)
{
	size_t n = 0;

	for (size_t i = 0; i < event->n_counts; i++)
		n += event->counts[i].n_fingerprints;
	return n;
}

struct event *scan_list_take(struct scan_list *list, struct scan_list_file *file)
{
	struct event *found = TAKE(file->found);

	if (found)
		list->n_kept -= count_fingerprints(found);
	return found;
}

void scan_list_keep(struct scan_list *list, struct scan_list_file *file, struct event *found)
{
	size_t n = count_fingerprints(found);

	event_free(scan_list_take(list, file));
	if (n > SCAN_LIST_MAX_KEPT - list->n_kept) {
		event_free(found);
		file->is_known = false;
		return;
	}
	file->found = found;
	list->n_kept += n;
}

/* To be read, or as soon as who has read it sends, or customer data meets it. */
static bool may_be_wanted(const struct scan_list_file *file)
{
	if (file->is_received)
		return file->has_left || (file->is_passed_on && !file->is_told);
	return file->has_left || file->is_dirty || file->n_readers > 0;
}

static void forget(struct scan_list *list, struct scan_list_file *file)
{
	TAILQ_REMOVE(&list->files, file, order);
	tdelete(file, &list->tree, compare);
	list->forgotten.files += may_be_wanted(file);
	list->n_received -= file->is_received;
	event_free(scan_list_take(list, file));
	free_file(file);
	list->n_files--;
}

static void keep_limits(struct scan_list *list)
{
	struct scan_list_file *file;

	if (list->n_received > SCAN_LIST_MAX_RECEIVED) {
		TAILQ_FOREACH(file, &list->files, order)
		if (file->is_received)
			break;
		forget(list, file);
	}
	if (list->n_files > SCAN_LIST_MAX_FILES)
		forget(list, TAILQ_FIRST(&list->files));
}

static int add(struct scan_list *list, const struct scan_list_file *seen,
	       struct scan_list_file **ret_file)
{
	struct scan_list_file *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->dev = seen->dev;
	file->ino = seen->ino;
	file->generation = seen->generation;
	file->is_received = true;
	if (!tsearch(file, &list->tree, compare)) {
		free(file);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&list->files, file, order);
	list->n_files++;
	list->n_received++;
	*ret_file = file;
	return 0;
}

static void add_reader(struct scan_list *list, struct scan_list_file *file,
		       const struct scan_reader *reader)
{
	for (size_t i = 0; i < file->n_readers; i++)
		if (file->readers[i].app_id == reader->app_id)
			return;
	if (file->n_readers == SCAN_LIST_MAX_READERS) {
		list->forgotten.readers++;
		file->n_readers--;
		memmove(&file->readers[0], &file->readers[1],
			file->n_readers * sizeof(file->readers[0]));
	}
	file->readers[file->n_readers++] = *reader;
}

int scan_list_note(struct scan_list *list, const struct scan_list_file *seen, bool is_write,
		   const struct scan_reader *by)
{
	struct scan_list_file *file = scan_list_find(list, seen->dev, seen->ino, seen->generation);
	char *path = strdup(seen->path);
	int r = path ? 0 : -ENOMEM;

	if (r == 0 && !file)
		r = add(list, seen, &file);
	if (r < 0) {
		free(path);
		return r;
	}
	free(file->path);
	file->path = path;
	file->labels |= seen->labels;
	if (file->is_received && !seen->is_received) {
		file->is_received = false;
		list->n_received--;
	}
	file->touched_ns = seen->touched_ns;
	if (is_write) {
		file->is_dirty = true;
		file->written_ns = seen->touched_ns;
		file->writer = by->app_id;
	} else {
		file->read_ns = seen->touched_ns;
		file->is_passed_on |= by->app_id != file->writer;
		add_reader(list, file, by);
	}
	TAILQ_REMOVE(&list->files, file, order);
	TAILQ_INSERT_TAIL(&list->files, file, order);
	keep_limits(list);
	return 0;
}

static bool has_read(const struct scan_list_file *file, uint64_t app_id)
{
	for (size_t i = 0; i < file->n_readers; i++)
		if (file->readers[i].app_id == app_id)
			return true;
	return false;
}

void scan_list_leave(struct scan_list *list, uint64_t app_id)
{
	struct scan_list_file *file;

	TAILQ_FOREACH(file, &list->files, order)
	file->has_left |= !file->is_received && has_read(file, app_id);
}

void scan_list_note_sender(struct scan_list *list, uint64_t app_id)
{
	for (size_t i = 0; i < list->n_senders; i++)
		if (list->senders[i] == app_id)
			return;
	if (list->n_senders < SCAN_LIST_MAX_SENDERS)
		list->senders[list->n_senders++] = app_id;
	else
		list->forgotten.senders++;
}

void scan_list_leave_all(struct scan_list *list)
{
	for (size_t i = 0; i < list->n_senders; i++)
		scan_list_leave(list, list->senders[i]);
	list->n_senders = 0;
}

void scan_list_meet(struct scan_list *list, uint64_t origins)
{
	struct scan_list_file *file;

	/* Each content once: it is met as long as the trip lasts. */
	TAILQ_FOREACH(file, &list->files, order)
	file->has_left |= file->is_received && file->labels & origins && file->is_passed_on &&
			  (file->is_dirty || !file->is_told);
}

struct scan_list_file *scan_list_next(struct scan_list *list, uint64_t now_ns,
				      uint64_t quiet_since_ns)
{
	struct scan_list_file *file, *quiet = NULL;

	TAILQ_FOREACH(file, &list->files, order)
	{
		if (file->rest_ns > now_ns)
			continue;
		if (file->has_left)
			break;
		if (file->is_dirty && !file->is_received && file->written_ns < quiet_since_ns &&
		    (!quiet || file->written_ns < quiet->written_ns))
			quiet = file;
	}
	file = file ? file : quiet;
	if (!file)
		return NULL;
	file->was_dirty = file->is_dirty;
	file->had_left = file->has_left;
	file->has_left = file->is_dirty = false;
	return file;
}

void scan_list_end_look(struct scan_list_file *file)
{
	if (file->had_left)
		file->n_readers = 0;
}

struct scan_list_forgotten scan_list_forgotten(const struct scan_list *list)
{
	return list->forgotten;
}
