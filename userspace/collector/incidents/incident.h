/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_H

/*
 * What a responder works on: who sent which class of data where, every addend of
 * the score with its reason and the events that show it, and how sure each figure
 * is. An incident is plain facts without content; it is stored as one JSON document
 * and told as a paragraph in English or Chinese. It owns everything it points to.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "event/event.h"

struct store_incident;

/* Limits of one incident. What goes beyond is not kept, and counted in n_cut_*. */
#define INCIDENT_MAX_EVENTS 16384
#define INCIDENT_MAX_STEPS 1024
#define INCIDENT_MAX_ADDENDS 64

enum incident_severity {
	INCIDENT_LOW = 0,      /* score below 30 */
	INCIDENT_MEDIUM = 1,   /* below 60 */
	INCIDENT_HIGH = 2,     /* below 85 */
	INCIDENT_CRITICAL = 3, /* 85 and above */
};

/* Lowest scores of the three upper severities. */
struct incident_thresholds {
	int64_t medium, high, critical;
};

#define INCIDENT_DEFAULT_THRESHOLDS                      \
	{                                                \
		.medium = 30, .high = 60, .critical = 85 \
	}

struct incident_ids {
	uint64_t *items; /* store record ids, ascending, each once */
	size_t n_items;
};

/* One reason of the score. */
struct incident_addend {
	char *detector;  /* "direct_egress", ... */
	char *attack;    /* ATT&CK technique, "" when the addend has none of its own */
	int64_t points;  /* may be negative: an allow-listed sink lowers a score */
	char *reason;    /* a sentence in English */
	char *reason_zh; /* the same in Chinese */
	struct incident_ids events;
};

/* Where the data came from: one entry for each class of a place. */
struct incident_source {
	char *name; /* of the policy's section; "" when the lineage does not reach a source */
	char *kind; /* "crm", "export", "client" or "unknown" */
	char *class_name;
	char *title; /* of the class, "" when the policy has none */
	char *title_zh;
	char *category;   /* legal category, "" when the policy has none */
	uint64_t records; /* looked up there, meaningful unless certainty is unknown */
	uint64_t connections;
	enum event_certainty certainty; /* of records */
};

/* Different records of one kind in what went out. */
struct incident_count {
	char *record; /* of the policy's section */
	char *title;  /* "" when the policy has none */
	char *title_zh;
	uint64_t n_records;
};

struct incident_sink {
	char *name;    /* of the policy's section; "" for a place it does not name */
	char *kind;    /* "im", "mail", ..., "" when unknown */
	char *address; /* without port; "" when it has none */
	char *host;    /* that the sender named, see event_object; "" when it named none */
	enum event_host_source host_source;
	char *channel; /* by which data left for it, see correlate/channel.h; "" when unknown */
	bool allowed;  /* allow-listed by the policy */
	uint64_t bytes;
};

/* One flow of the lineage: an app took data from an object or gave data to it. */
struct incident_step {
	uint64_t first_ns, last_ns;
	char *agent;
	char *boot_id;
	char *person;
	uint64_t app_id;
	uint32_t pid;
	char *exe;
	enum event_direction direction;
	enum event_object_kind object_kind;
	enum event_role role;
	uint64_t dev, ino, generation;
	char *name;      /* of the object, "" when unknown */
	char *zone_name; /* "" when the policy does not name it */
	uint64_t bytes, calls;
	struct incident_ids events;
};

/* How many records the bytes that left would make, by the bytes that a record took where Weir
 * counted exactly: see correlate/calibration.h. */
struct incident_by_bytes {
	uint64_t records;          /* 0: nothing says it */
	uint64_t bytes_per_record; /* the median of n_samples incidents */
	uint64_t n_samples;
	uint64_t received; /* records that had come in, 0: unknown; there are no more */
	bool is_packed;    /* what left was packed or encrypted on the way */
	bool is_floor;     /* and the samples were not: it may be more */
	bool is_answer;    /* nothing else says how many it was: incident.records is this */
};

struct incident {
	uint64_t id;   /* of the store, 0 before the first put */
	char *key;     /* what the incident is about; stable over recomputation */
	int64_t score; /* sum of the addends' points, not below 0 */
	enum incident_severity severity;
	struct incident_addend *addends;
	size_t n_addends;
	char **persons; /* pseudonyms, sorted */
	size_t n_persons;
	char **agents; /* hosts that saw it, sorted */
	size_t n_agents;
	struct incident_source *sources;
	size_t n_sources;
	struct incident_sink *sinks;
	size_t n_sinks;
	uint64_t bytes_out; /* of egress with class labels to the recipient */
	enum event_certainty bytes_certainty;
	uint64_t records; /* meaningful unless records_certainty is unknown */
	enum event_certainty records_certainty;
	struct incident_count
		*counts; /* what records comes from; none when turns or bytes tell it */
	size_t n_counts;
	struct incident_by_bytes by_bytes;
	uint64_t first_ns, last_ns;    /* of the egress */
	struct incident_step *lineage; /* by first_ns */
	size_t n_lineage;
	struct incident_ids events; /* everything that shows the incident, for its replay */
	uint64_t n_cut_events, n_cut_steps, n_cut_addends; /* beyond the limits above */
	uint64_t n_cut_lineage; /* branches that the walk backwards did not follow */
};

struct incident *incident_new(void);
void incident_free(struct incident *incident);

static inline void incident_freep(struct incident **incident)
{
	incident_free(*incident);
}

/* Building. Strings are copied, NULL becomes "". All return 0 or -ENOMEM. */
int incident_add_person(struct incident *incident, const char *pseudonym);
int incident_add_agent(struct incident *incident, const char *agent);
/* Appends a copy; beyond INCIDENT_MAX_ADDENDS it is counted as cut and is not in the score. */
int incident_add_addend(struct incident *incident, const struct incident_addend *addend);
/* Merges into the entry with the same name, kind and class: records and connections add up. */
int incident_add_source(struct incident *incident, const struct incident_source *source);
/* Merges into the entry with the same name, address, host and channel: bytes add up. */
int incident_add_sink(struct incident *incident, const struct incident_sink *sink);
int incident_add_count(struct incident *incident, const struct incident_count *count);
/* Keeps the lineage in order of first_ns. */
int incident_add_step(struct incident *incident, const struct incident_step *step);
int incident_add_event(struct incident *incident, uint64_t event_id);

int incident_ids_add(struct incident_ids *ids, uint64_t id);
int incident_ids_copy(const struct incident_ids *from, struct incident_ids *ret_ids);
bool incident_ids_contain(const struct incident_ids *ids, uint64_t id);
void incident_ids_done(struct incident_ids *ids);

enum incident_severity incident_severity_of(int64_t score,
					    const struct incident_thresholds *thresholds);
/* Sets score and severity from the addends. */
void incident_rate(struct incident *incident, const struct incident_thresholds *thresholds);
/* "low", "medium", "high", "critical". */
const char *incident_severity_to_string(enum incident_severity severity);
/* The same in the language of lang. */
const char *incident_severity_to_text(enum incident_severity severity, const char *lang);

/* True for "zh", "zh_CN.UTF-8", ...; NULL and everything else is English. */
bool incident_lang_is_chinese(const char *lang);

/* The document as stored. Returns 0 or -ENOMEM; the caller frees *ret_document. */
int incident_to_document(const struct incident *incident, char **ret_document);
/* Returns 0, -EBADMSG for text that is no such document, or -ENOMEM. */
int incident_from_document(const char *document, struct incident **ret_incident);
/* The same from a store row; the row's id and key stand above the document's. */
int incident_from_stored(const struct store_incident *stored, struct incident **ret_incident);

/*
 * The public JSON: id, severity, score, detectors[], persons[], sources[]{name, kind, class,
 * title, category, records{value, certainty}}, sinks[]{name, kind, address,
 * channel, allowed, bytes}, bytes_out, bytes_certainty, records{value, certainty}, counts[]{record,
 * title, records}, by_bytes{records, bytes_per_record, samples, received, at_least, is_answer} or
 * null, first_ns, last_ns, explanation, addends[]{detector, attack, points, reason, events[]},
 * attack[], agents[], law[], lineage[], events[], cut{}. records.value is null when the certainty
 * is "unknown". Returns a new reference, or NULL when memory is out.
 */
json_t *incident_to_json(const struct incident *incident, const char *lang);

/* The paragraph: what happened, how sure Weir is of each figure, which events show it.
 * Returns 0 or -ENOMEM; the caller frees *ret_text. */
int incident_explain(const struct incident *incident, const char *lang, char **ret_text);

/* `weir show`: the head, the paragraph, the addends, the figures, the lineage. 0 or -errno. */
int incident_print_text(const struct incident *incident, const char *lang, FILE *stream);

/* One line for a live display or a list: "incident 3 critical 90: P-... -> im.shop, ...". */
int incident_print_line(const struct incident *incident, const char *lang, FILE *stream);

#endif
