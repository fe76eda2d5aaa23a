/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_INCIDENT_STORY_H
#define WEIR_TESTS_SUPPORT_INCIDENT_STORY_H

/*
 * A workstation's day as its agent would report it, into a real store and a real
 * correlation. Every flow is an edge followed by a report with totals; the clock
 * goes on by a second for each. Failures end the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/correlate.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"
#include "support/policy_fixture.h"

#define STORY_START_NS UINT64_C(1600000000000000000)
#define STORY_HOUR_NS UINT64_C(3600000000000)
#define STORY_PERSON "P-00000000aa"

struct story_place {
	enum event_object_kind kind;
	enum event_role role;
	uint64_t ino;
	const char *name;
	const char *address;
	const char *zone_name;
	const char *zone_kind;
};

struct story_app {
	uint64_t id;
	const char *exe;
};

struct story {
	char *dir;
	struct policy_fixture *policy;
	struct store *store;
	struct correlate *correlate;
	const char *person;
	uint64_t now_ns;
	uint64_t seq;
	bool is_held;  /* what happens is stored, but not given to the correlation */
	bool is_taken; /* it is given to the correlation, which does not settle */
	size_t n_new, n_raised, n_grown;
	enum incident_severity last_severity;
};

int story_setup(void **state);
int story_teardown(void **state);
#define STORY_TEST(test) cmocka_unit_test_setup_teardown(test, story_setup, story_teardown)

/* Loads another policy: the story's own, followed by these lines. */
void story_given_policy(struct story *story, const char *lines);

struct story_place story_crm(uint64_t connection);
struct story_place story_file(uint64_t ino, const char *name);
struct story_place story_pipe(uint64_t ino);
/* "im.test", "pan.test", "shop.test", "backup.test" (trusted) or an address nobody named. */
struct story_place story_peer(uint64_t connection, const char *name);

/* labels and origins: one name or NULL. */
void story_reads(struct story *story, struct story_app app, struct story_place place,
		 const char *labels, const char *origins, uint64_t bytes);
void story_writes(struct story *story, struct story_app app, struct story_place place,
		  const char *labels, const char *origins, uint64_t bytes);
/* One connection to the CRM with so many turns, both directions. */
void story_looks_up(struct story *story, struct story_app app, uint64_t connection, uint64_t turns);
void story_renames(struct story *story, struct story_app app, struct story_place file,
		   const char *new_name);
void story_removes(struct story *story, struct story_app app, struct story_place file,
		   enum event_kind kind);
/* An event of now for the test to complete, and to hand back: stored, and correlated unless held.
 */
struct event *story_event(struct story *story, enum event_kind kind, struct story_app app,
			  struct story_place place);
void story_sends(struct story *story, struct event *event);
void story_waits(struct story *story, uint64_t ns);

/* The collector stops and starts again; story_restarts() also takes what is left. */
void story_reopens(struct story *story);
void story_restarts(struct story *story);
/* A correlation that knows nothing computes everything anew over the same incidents. */
void story_recomputes(struct story *story);

size_t story_count_incidents(struct story *story);
/* The incident to a recipient; the last one when there are several. Never NULL. */
struct incident *story_incident(struct story *story, const char *recipient);
/* Points of a detector's addends, 0 when it has none. */
int64_t story_points(const struct incident *incident, const char *detector);
bool story_has_attack(const struct incident *incident, const char *technique);

/* The seed: a list comes in from im.test, so many lookups, the answer goes back. Returns its bytes.
 */
uint64_t story_tells_the_seed(struct story *story, uint64_t n_lookups);

#endif
