/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_STORE_SOURCE_H
#define WEIR_CLI_STORE_SOURCE_H

/*
 * The collector's store as the commands read it: opened beside a writing
 * collector, with one clear line on stderr when it cannot be, and as a source
 * of the replay.
 */

#include "collector/store/store.h"
#include "replay/replay.h"

/* Opens DATA_DIR/collector read-only. Returns 0 or -errno, having logged why. */
int store_source_open_store(const char *data_dir, struct store **ret_store);

/* Returns 1 with the incident, 0 when there is none, or -errno; but for 1 having logged why. */
int store_source_get_incident(struct store *store, const char *data_dir, uint64_t id,
			      struct store_incident **ret_incident);

struct store_source {
	struct store_cursor *cursor;
	struct store_record *record; /* the item lent last */
};

/* 0 or -errno. The store must outlive the source. */
int store_source_init(struct store_source *source, struct store *store,
		      const struct store_query *query);
void store_source_done(struct store_source *source);

/* The next() of a struct replay_source; userdata is the struct store_source. */
int store_source_next(void *userdata, struct replay_item *ret_item);

/* A stored record as the replay shows it; everything is lent from the record. */
struct replay_item store_source_item(const struct store_record *record);

#endif
