/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/known.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage.h"
#include "collector/correlate/lineage_index.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"
#include "event/event.h"

/* Reports of one moment reach the collector in any order within so much of event time. */
#define KNOWN_TRACE_SLACK_NS 10000000000ull

static void item_done(struct known_incident *item)
{
	free(item->key);
	free(item->person);
	free(item->recipient);
	free(item->classes);
	free(item->identities);
}

void known_done(struct known *known)
{
	for (size_t i = 0; i < known->n_items; i++)
		item_done(&known->items[i]);
	free(known->items);
	*known = (struct known){0};
}

uint64_t known_hash_document(const char *document)
{
	return lineage_hash_bytes(LINEAGE_HASH_START, document, strlen(document));
}

size_t known_count_detectors(const struct incident *incident)
{
	size_t n = 0;

	for (size_t i = 0; i < incident->n_addends; i++) {
		bool is_repeat = false;

		for (size_t j = 0; j < i && !is_repeat; j++)
			is_repeat = !strcmp(incident->addends[j].detector,
					    incident->addends[i].detector);
		n += !is_repeat;
	}
	return n;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_watched_for(const struct known_incident *item, uint64_t hash)
{
	return item->n_identities > 0 &&
	       bsearch(&hash, item->identities, item->n_identities, sizeof(hash), compare_hashes);
}

/* Frees the fingerprints of the incident that changed longest ago when there are too many. */
static void unwatch_oldest(struct known *known)
{
	struct known_incident *oldest = NULL;
	size_t n_watched = 0;

	for (size_t i = 0; i < known->n_items; i++) {
		struct known_incident *item = &known->items[i];

		if (!item->identities)
			continue;
		n_watched++;
		if (!oldest || item->touched < oldest->touched)
			oldest = item;
	}
	if (n_watched <= KNOWN_MAX_WATCHED)
		return;
	free(oldest->identities);
	oldest->identities = NULL;
	oldest->n_identities = 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int known_classes(const struct incident *incident, char **ret_classes)
{
	_cleanup_free_ const char **names = calloc(incident->n_sources + 1, sizeof(*names));
	size_t size = 0;
	FILE *out;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < incident->n_sources; i++)
		names[i] = incident->sources[i].class_name;
	qsort(names, incident->n_sources, sizeof(*names), compare_names);
	out = open_memstream(ret_classes, &size);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < incident->n_sources; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			fprintf(out, "%s\n", names[i]);
	return fclose(out) == 0 ? 0 : -ENOMEM;
}

/* To two places: what makes no difference makes no work either, see known_tell_uncounted(). */
static uint64_t bytes_per_record(const struct incident *incident)
{
	uint64_t bytes, unit = 1;

	if (incident->records_certainty != EVENT_CERTAINTY_EXACT ||
	    incident->bytes_certainty != EVENT_CERTAINTY_EXACT || incident->records == 0)
		return 0;
	bytes = incident->bytes_out / incident->records;
	while (bytes / unit >= 100)
		unit *= 10;
	return (bytes + unit / 2) / unit * unit;
}

static int take_sample(struct known_incident *item, const struct incident *incident)
{
	char *classes = NULL;
	int r = known_classes(incident, &classes);

	if (r < 0)
		return r;
	free(item->classes);
	item->classes = classes;
	item->bytes_per_record = bytes_per_record(incident);
	item->is_packed = incident->by_bytes.is_packed;
	item->is_uncounted = incident->records_certainty != EVENT_CERTAINTY_EXACT;
	return 0;
}

static uint64_t hash_sample(const struct known_incident *item)
{
	const uint64_t sample[] = {item->first_ns, item->bytes_per_record, item->is_packed};

	return item->bytes_per_record > 0
		       ? lineage_hash_bytes(LINEAGE_HASH_START, sample, sizeof(sample))
		       : 0;
}

int known_update(struct known *known, size_t at, const struct incident *incident,
		 const char *document)
{
	struct known_incident *item = &known->items[at];
	uint64_t *identities = calloc(2 * incident->n_lineage + 1, sizeof(*identities));
	size_t n = 0;

	if (!identities || take_sample(item, incident) < 0) {
		free(identities);
		return -ENOMEM;
	}
	for (size_t i = 0; i < incident->n_lineage; i++) {
		const struct incident_step *step = &incident->lineage[i];

		identities[n++] = lineage_hash_app(step->agent, step->boot_id, step->app_id);
		identities[n++] = lineage_hash_object(step->agent, step->boot_id, step->object_kind,
						      step->dev, step->ino, step->generation);
	}
	qsort(identities, n, sizeof(*identities), compare_hashes);
	free(item->identities);
	item->identities = identities;
	item->n_identities = n;
	item->id = incident->id;
	item->severity = (int)incident->severity;
	item->n_detectors = known_count_detectors(incident);
	item->document_hash = known_hash_document(document);
	item->touched = ++known->clock;
	unwatch_oldest(known);
	return 0;
}

static void drop_quietest(struct known *known)
{
	size_t quietest = 0;

	/* One that waits to be computed is kept while there is any other. */
	for (size_t i = 1; i < known->n_items; i++) {
		const struct known_incident *item = &known->items[i];
		const struct known_incident *best = &known->items[quietest];

		if (item->is_dirty != best->is_dirty ? best->is_dirty
						     : item->last_ns < best->last_ns)
			quietest = i;
	}
	item_done(&known->items[quietest]);
	known->items[quietest] = known->items[--known->n_items];
	known->n_dropped++;
}

/* Takes ownership of the item's strings, also on failure. */
static int add_item(struct known *known, struct known_incident *item)
{
	struct known_incident *items;

	if (item->key && item->person && item->recipient) {
		if (known->n_items >= KNOWN_MAX_INCIDENTS)
			drop_quietest(known);
		items = reallocarray(known->items, known->n_items + 1, sizeof(*items));
		if (items) {
			known->items = items;
			items[known->n_items++] = *item;
			return 0;
		}
	}
	item_done(item);
	return -ENOMEM;
}

/* "PERSON RECIPIENT FIRST_NS": the recipient may hold spaces, the others do not. */
static int load_one(struct known *known, const struct store_incident *stored)
{
	_cleanup_(incident_freep) struct incident *incident = NULL;
	const char *first = strchr(stored->key, ' '), *last = strrchr(stored->key, ' ');
	struct known_incident item = {0};
	int r = incident_from_stored(stored, &incident);

	if (r == -EBADMSG || !first || first == last)
		return 0;
	if (r < 0)
		return r;
	item.key = strdup(stored->key);
	item.person = strndup(stored->key, (size_t)(first - stored->key));
	item.recipient = strndup(first + 1, (size_t)(last - first - 1));
	item.first_ns = stored->first_ns;
	item.last_ns = stored->last_ns;
	r = add_item(known, &item);
	if (r == 0)
		r = known_update(known, known->n_items - 1, incident, stored->document);
	if (r == 0)
		known->items[known->n_items - 1].told_sample =
			hash_sample(&known->items[known->n_items - 1]);
	return r;
}

int known_load(struct known *known, struct store *store)
{
	struct store_incident **stored = NULL;
	size_t n_stored = 0;
	int r = store_list_incidents(store, &stored, &n_stored);

	if (r < 0)
		return r;
	/* Highest id first: the oldest is touched first, and so the first to be let go. */
	for (size_t i = n_stored; i > 0 && r == 0; i--)
		r = load_one(known, stored[i - 1]);
	for (size_t i = 0; i < n_stored; i++)
		store_incident_free(stored[i]);
	free(stored);
	return r;
}

/* How far outside of the incident's span a time lies, 0 within. */
static uint64_t distance(const struct known_incident *item, uint64_t time_ns)
{
	if (time_ns < item->first_ns)
		return item->first_ns - time_ns;
	return time_ns > item->last_ns ? time_ns - item->last_ns : 0;
}

static struct known_incident *find(struct known *known, const char *person, const char *recipient,
				   uint64_t time_ns, uint64_t window_ns)
{
	struct known_incident *best = NULL;

	for (size_t i = 0; i < known->n_items; i++) {
		struct known_incident *item = &known->items[i];

		if (distance(item, time_ns) >= window_ns || strcmp(item->person, person) != 0 ||
		    strcmp(item->recipient, recipient) != 0)
			continue;
		if (!best || distance(item, time_ns) < distance(best, time_ns))
			best = item;
	}
	return best;
}

int known_take_egress(struct known *known, const char *person, const char *recipient,
		      uint64_t time_ns, uint64_t window_ns)
{
	struct known_incident *item = find(known, person, recipient, time_ns, window_ns);
	struct known_incident fresh = {
		.first_ns = time_ns, .last_ns = time_ns, .severity = -1, .is_dirty = true};

	if (item) {
		item->first_ns = time_ns < item->first_ns ? time_ns : item->first_ns;
		item->last_ns = time_ns > item->last_ns ? time_ns : item->last_ns;
		item->is_dirty = true;
		return 0;
	}
	fresh.person = strdup(person);
	fresh.recipient = strdup(recipient);
	if (asprintf(&fresh.key, "%s %s %" PRIu64, person, recipient, time_ns) < 0)
		fresh.key = NULL;
	return add_item(known, &fresh);
}

void known_tell_later(struct known *known, size_t at)
{
	struct known_incident *told = &known->items[at];

	if (told->told_ns == told->first_ns)
		return;
	told->told_ns = told->first_ns;
	for (size_t i = 0; i < known->n_items; i++)
		if (known->items[i].first_ns > told->first_ns &&
		    strcmp(known->items[i].recipient, told->recipient) == 0)
			known->items[i].is_dirty = true;
}

void known_tell_uncounted(struct known *known, size_t at)
{
	struct known_incident *told = &known->items[at];
	uint64_t sample = hash_sample(told);

	if (told->told_sample == sample)
		return;
	told->told_sample = sample;
	for (size_t i = 0; i < known->n_items; i++) {
		struct known_incident *item = &known->items[i];

		if (item->is_uncounted && item->first_ns > told->first_ns &&
		    strcmp(item->classes, told->classes) == 0)
			item->is_dirty = true;
	}
}

void known_take_trace(struct known *known, const struct store_record *record,
		      uint64_t mark_window_ns)
{
	const struct event *event = record->event;
	const struct event_object *object = &event->object;
	uint64_t app = lineage_hash_app(event->agent, event->boot_id, event->app.id);
	uint64_t thing = lineage_hash_object(event->agent, event->boot_id, object->kind,
					     object->dev, object->ino, object->generation);
	uint64_t lead_ns = KNOWN_TRACE_SLACK_NS;

	if (event->kind == EVENT_FILE_RENAME || event->kind == EVENT_FILE_UNLINK ||
	    event->kind == EVENT_FILE_TRUNCATE || event->kind == EVENT_RECORDS)
		lead_ns = mark_window_ns;
	for (size_t i = 0; i < known->n_items; i++) {
		struct known_incident *item = &known->items[i];

		if (item->is_dirty || !item->identities)
			continue;
		if (event->time_ns > item->last_ns && event->time_ns - item->last_ns > lead_ns)
			continue;
		item->is_dirty = is_watched_for(item, app) || is_watched_for(item, thing);
	}
}
