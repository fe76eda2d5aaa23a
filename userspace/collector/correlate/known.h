/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_KNOWN_H
#define WEIR_COLLECTOR_CORRELATE_KNOWN_H

/*
 * The incidents that the correlation knows of: whose they are, which span of time
 * they cover, and fingerprints of the apps and objects in their lineage, so that a
 * new event is held against them without a look into the store. Derived from the
 * store, rebuilt at each start.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct incident;
struct store;
struct store_record;

/* At the limit the incident that was quiet for longest is forgotten here; it stays stored. */
#define KNOWN_MAX_INCIDENTS 8192
/* Fingerprints are kept for those that changed last; older ones are found by their egress only. */
#define KNOWN_MAX_WATCHED 1024

struct known_incident {
	uint64_t id; /* 0: not stored yet */
	char *key;   /* "PERSON RECIPIENT FIRST_NS" */
	char *person;
	char *recipient;
	uint64_t first_ns, last_ns; /* of the egress */
	uint64_t told_ns; /* first_ns as later incidents of the recipient were told; 0: not yet */
	char *classes; /* of its data, sorted, each with a line's end; NULL before the first put */
	uint64_t bytes_per_record; /* to two places; 0: what left was not counted exactly */
	uint64_t told_sample;      /* as those that are estimated by it know it, 0: not yet */
	bool is_packed;            /* see struct incident_by_bytes */
	bool is_uncounted;         /* and so it is estimated */
	int severity;              /* enum incident_severity, -1 before the first put */
	size_t n_detectors;
	uint64_t document_hash;
	uint64_t *identities; /* sorted */
	size_t n_identities;
	uint64_t touched; /* grows with each change */
	bool is_dirty;
};

struct known {
	struct known_incident *items;
	size_t n_items;
	uint64_t clock; /* source of touched */
	uint64_t n_dropped;
};

/* Reads all incidents of the store. 0 or -errno. A document that cannot be read is passed
 * over: its next egress makes it anew. */
int known_load(struct known *known, struct store *store);
void known_done(struct known *known);

/* Books an egress: extends the incident whose quiet time it falls into, or makes a new one.
 * Marks it dirty. 0 or -ENOMEM. */
int known_take_egress(struct known *known, const char *person, const char *recipient,
		      uint64_t time_ns, uint64_t window_ns);

/* Marks the incidents dirty whose lineage a record touches. mark_window_ns: how long after the
 * egress the removal of a file matters. */
void known_take_trace(struct known *known, const struct store_record *record,
		      uint64_t mark_window_ns);

/* Takes over what a computed incident says. 0 or -ENOMEM. */
int known_update(struct known *known, size_t at, const struct incident *incident,
		 const char *document);

/* Marks the incidents dirty that began after this one and went to the same recipient: they tell of
 * it. */
void known_tell_later(struct known *known, size_t at);

/* Marks the incidents dirty that began after this one and are estimated by it. */
void known_tell_uncounted(struct known *known, size_t at);

/* The classes of an incident's data as they stand in known_incident. 0 or -ENOMEM. */
int known_classes(const struct incident *incident, char **ret_classes);

uint64_t known_hash_document(const char *document);
size_t known_count_detectors(const struct incident *incident);

#endif
