/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_STORE_FIXTURE_H
#define WEIR_TESTS_SUPPORT_STORE_FIXTURE_H

/* A folder for a store, and batches of events for it. Failures end the test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/store.h"

#define STORE_FIXTURE_AGENT "desk-1"
#define STORE_FIXTURE_BOOT "5f9c7f1e-0000-4000-8000-000000000001"
#define STORE_FIXTURE_START_NS UINT64_C(1700000000000000000)

/* A new folder below /tmp; the caller passes it to store_fixture_remove_dir(). */
char *store_fixture_make_dir(void);
void store_fixture_remove_dir(char *dir);

/* segment_rows 0: the default. */
struct store *store_fixture_open(const char *dir, uint64_t segment_rows);
struct store *store_fixture_open_for_reading(const char *dir);

/* n FLOW events of one app on one file, a second apart by seq, each 100 bytes and 1 call further.
 */
struct store_record *store_fixture_batch(const char *agent, uint64_t first_seq, size_t n);
void store_fixture_free_batch(struct store_record *records, size_t n);

/* Stores such a batch and returns what store_append() says. */
int store_fixture_append(struct store *store, const char *agent, uint64_t first_seq, size_t n);

/* What a query finds. sum_* over the records that are not LOSS. */
struct store_fixture_found {
	uint64_t n, n_losses, first_id, last_id, sum_bytes, sum_calls, sum_turns;
	bool in_order_of_id, in_order_of_time;
	char last_detail[512]; /* of the last LOSS */
};
struct store_fixture_found store_fixture_find(struct store *store, const struct store_query *query);

/* Overwrites size bytes of a file with noise. */
void store_fixture_damage(const char *dir, const char *file, long offset, size_t size);
bool store_fixture_has_file(const char *dir, const char *file);

#endif
