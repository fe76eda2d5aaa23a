/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/store_source.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

int store_source_open_store(const char *data_dir, struct store **ret_store)
{
	_cleanup_free_ char *dir = NULL;
	int r;

	if (asprintf(&dir, "%s/collector", data_dir) < 0) {
		dir = NULL;
		log_error("out of memory");
		return -ENOMEM;
	}
	r = store_open(dir, true, ret_store);
	if (r == -ENOENT)
		log_error("no store in %s: nothing was recorded there; --data names another folder",
			  dir);
	else if (r == -EUCLEAN)
		log_error("the store in %s is damaged; the collector sets the damaged part aside "
			  "when it starts",
			  dir);
	else if (r < 0)
		log_error("cannot open the store in %s: %s", dir, strerror(-r));
	return r;
}

int store_source_get_incident(struct store *store, const char *data_dir, uint64_t id,
			      struct store_incident **ret_incident)
{
	int r = store_get_incident(store, id, ret_incident);

	if (r == 0)
		log_error("no incident %" PRIu64 " in %s; weir incidents lists them", id, data_dir);
	else if (r < 0)
		log_error("cannot read incident %" PRIu64 " in %s: %s", id, data_dir, strerror(-r));
	return r;
}

int store_source_init(struct store_source *source, struct store *store,
		      const struct store_query *query)
{
	source->record = NULL;
	source->cursor = NULL;
	return store_query(store, query, &source->cursor);
}

void store_source_done(struct store_source *source)
{
	if (source->record)
		store_record_free(source->record);
	if (source->cursor)
		store_cursor_free(source->cursor);
	source->record = NULL;
	source->cursor = NULL;
}

struct replay_item store_source_item(const struct store_record *record)
{
	return (struct replay_item){
		.event = record->event,
		.person = record->person,
		.bytes = record->bytes,
		.calls = record->calls,
		.turns = record->turns,
	};
}

int store_source_next(void *userdata, struct replay_item *ret_item)
{
	struct store_source *source = userdata;
	int r;

	if (source->record)
		store_record_free(source->record);
	source->record = NULL;
	r = store_cursor_next(source->cursor, &source->record);
	if (r <= 0)
		return r;
	*ret_item = store_source_item(source->record);
	return 1;
}
