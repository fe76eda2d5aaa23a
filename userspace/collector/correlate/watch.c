/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"

static void watch_done(struct watch *watch)
{
	free(watch->key);
	free(watch->person);
	free(watch->recipient);
	free(watch->touched);
}

void watch_list_done(struct watch_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		watch_done(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static void drop_quietest(struct watch_list *list)
{
	size_t quietest = 0;

	for (size_t i = 1; i < list->n_items; i++)
		if (list->items[i].last_ns < list->items[quietest].last_ns)
			quietest = i;
	watch_done(&list->items[quietest]);
	list->items[quietest] = list->items[--list->n_items];
	list->dropped++;
}

/* Takes key, person and recipient, also on failure. */
static int add_watch(struct watch_list *list, char *key, char *person, char *recipient, uint64_t first_ns,
		     uint64_t last_ns, struct watch **ret_watch)
{
	struct watch made = { .key = key, .person = person, .recipient = recipient, .first_ns = first_ns,
			      .last_ns = last_ns, .severity = -1 };
	struct watch *grown;

	if (!key || !person || !recipient) {
		watch_done(&made);
		return -ENOMEM;
	}
	if (list->n_items >= list->max_items)
		drop_quietest(list);
	grown = realloc(list->items, (list->n_items + 1) * sizeof(*grown));
	if (!grown) {
		watch_done(&made);
		return -ENOMEM;
	}
	list->items = grown;
	list->items[list->n_items] = made;
	*ret_watch = &list->items[list->n_items++];
	return 0;
}

static bool is_within(const struct watch *watch, uint64_t time_ns, uint64_t window_ns)
{
	if (time_ns > watch->last_ns)
		return time_ns - watch->last_ns <= window_ns;
	return time_ns >= watch->first_ns || watch->first_ns - time_ns <= window_ns;
}

int watch_list_take(struct watch_list *list, const char *person, const char *recipient, uint64_t time_ns,
		    uint64_t window_ns, struct watch **ret_watch)
{
	char *key;

	for (size_t i = 0; i < list->n_items; i++) {
		struct watch *watch = &list->items[i];

		if (strcmp(watch->person, person) != 0 || strcmp(watch->recipient, recipient) != 0 ||
		    !is_within(watch, time_ns, window_ns))
			continue;
		if (time_ns < watch->first_ns)
			watch->first_ns = time_ns;
		if (time_ns > watch->last_ns)
			watch->last_ns = time_ns;
		*ret_watch = watch;
		return 0;
	}
	if (asprintf(&key, "%s\t%s\t%" PRIu64, person, recipient, time_ns) < 0)
		key = NULL;
	return add_watch(list, key, strdup(person), strdup(recipient), time_ns, time_ns, ret_watch);
}

int watch_list_restore(struct watch_list *list, const char *key, const struct incident *incident)
{
	const char *tab = strchr(key, '\t'), *last = strrchr(key, '\t');
	struct watch *watch;
	int r;

	if (!tab || tab == last)
		return -EINVAL;
	r = add_watch(list, strdup(key), strndup(key, (size_t)(tab - key)),
		      strndup(tab + 1, (size_t)(last - tab - 1)), incident->first_ns, incident->last_ns, &watch);
	return r < 0 ? r : watch_remember(watch, incident);
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int watch_remember(struct watch *watch, const struct incident *incident)
{
	uint64_t *hashes = calloc(2 * incident->n_lineage + 1, sizeof(*hashes));
	size_t n = 0;

	if (!hashes)
		return -ENOMEM;
	for (size_t i = 0; i < incident->n_lineage; i++) {
		const struct incident_step *step = &incident->lineage[i];

		hashes[n++] = lineage_hash_app(step->agent, step->boot_id, step->app_id);
		hashes[n++] = lineage_hash_object(step->agent, step->boot_id, step->object_kind, step->dev,
						  step->ino, step->generation);
	}
	qsort(hashes, n, sizeof(*hashes), compare_hashes);
	free(watch->touched);
	watch->touched = hashes;
	watch->n_touched = n;
	watch->severity = (int)incident->severity;
	watch->n_addends = incident->n_addends;
	watch->bytes_out = incident->bytes_out;
	watch->n_events = incident->events.n_items;
	return 0;
}

static bool is_touched(const struct watch *watch, uint64_t hash)
{
	return bsearch(&hash, watch->touched, watch->n_touched, sizeof(hash), compare_hashes) != NULL;
}

/* What happens to a staged copy counts whenever it happens; what moved data only if it was before
 * the last egress. */
static bool matters_at(const struct watch *watch, const struct event *event)
{
	switch (event->kind) {
	case EVENT_FILE_RENAME:
	case EVENT_FILE_UNLINK:
	case EVENT_FILE_TRUNCATE:
		return true;
	case EVENT_EDGE:
	case EVENT_FLOW:
	case EVENT_CRM_ACCESS:
		return event->time_ns <= watch->last_ns;
	default:
		return false;
	}
}

void watch_list_touch(struct watch_list *list, const struct store_record *record)
{
	const struct event *event = record->event;
	const struct event_object *object = &event->object;
	const char *agent = event->agent ?: "", *boot_id = event->boot_id ?: "";
	uint64_t app = lineage_hash_app(agent, boot_id, event->app.id);
	uint64_t thing = lineage_hash_object(agent, boot_id, object->kind, object->dev, object->ino,
					     object->generation);
	bool is_move = event->kind == EVENT_EDGE || event->kind == EVENT_FLOW || event->kind == EVENT_CRM_ACCESS;

	for (size_t i = 0; i < list->n_items; i++) {
		struct watch *watch = &list->items[i];

		if (!watch->is_dirty && matters_at(watch, event) &&
		    (is_touched(watch, thing) || (is_move && is_touched(watch, app))))
			watch->is_dirty = true;
	}
}
