/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"
#include "support/store_fixture.h"

static const char policy_text[] =
	"[class \"policy.property\"]\n"
	"category = location_communication_credit_property\n"
	"title = insurance policies\n"
	"title_zh = 保单\n"
	"[crm \"crm.test\"]\nhost = 10.77.0.10\nport = 443\nclass = policy.property\n"
	"[export \"crm-exports\"]\nfolder = /srv/crm-exports\nclass = policy.property\n"
	"[trusted \"backup.test\"]\nhost = 10.77.0.40\n"
	"[sink \"im.test\"]\nhost = 10.77.0.20\nkind = im\n"
	"[sink \"pan.test\"]\nhost = 10.77.0.30\nkind = cloud\n"
	"[sink \"shop.test\"]\nhost = 10.77.0.31\nkind = shop\nallowed = yes\norigin = yes\n";

static void on_incident(void *userdata, const struct incident *incident,
			enum correlate_change change)
{
	struct story *story = userdata;

	story->n_new += change == CORRELATE_NEW;
	story->n_raised += change == CORRELATE_RAISED;
	story->n_grown += change == CORRELATE_GROWN;
	story->last_severity = incident->severity;
	assert_true(incident->id > 0);
}

void story_given_policy(struct story *story, const char *lines)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "%s%s", policy_text, lines) > 0);
	policy_fixture_load(story->policy, text);
	policy_fixture_assert_loaded(story->policy);
	if (story->correlate)
		correlate_set_policy(story->correlate, story->policy->policy);
}

int story_setup(void **state)
{
	struct story *story = calloc(1, sizeof(*story));

	assert_non_null(story);
	setenv("TZ", "UTC", 1);
	assert_int_equal(policy_fixture_setup((void **)&story->policy), 0);
	story_given_policy(story, "");
	story->dir = store_fixture_make_dir();
	story->store = store_fixture_open(story->dir, 0);
	story->person = STORY_PERSON;
	story->now_ns = STORY_START_NS;
	assert_int_equal(correlate_new(story->store, story->policy->policy, &story->correlate), 0);
	assert_int_equal(correlate_catch_up(story->correlate, on_incident, story), 0);
	*state = story;
	return 0;
}

int story_teardown(void **state)
{
	struct story *story = *state;

	correlate_free(story->correlate);
	store_close(story->store);
	store_fixture_remove_dir(story->dir);
	policy_fixture_teardown((void **)&story->policy);
	free(story);
	return 0;
}

struct story_place story_crm(uint64_t connection)
{
	return (struct story_place){
		EVENT_OBJECT_SOCKET, EVENT_ROLE_CRM, connection, "10.77.0.10:443/tcp",
		"10.77.0.10",        "crm.test",     NULL};
}

struct story_place story_file(uint64_t ino, const char *name)
{
	bool is_export = strncmp(name, "/srv/crm-exports/", 17) == 0;

	return (struct story_place){EVENT_OBJECT_FILE,
				    is_export ? EVENT_ROLE_EXPORT : EVENT_ROLE_NONE,
				    ino,
				    name,
				    NULL,
				    is_export ? "crm-exports" : NULL,
				    NULL};
}

struct story_place story_pipe(uint64_t ino)
{
	return (struct story_place){
		EVENT_OBJECT_PIPE, EVENT_ROLE_NONE, ino, "pipe:[1]", NULL, NULL, NULL};
}

struct story_place story_peer(uint64_t connection, const char *name)
{
	static const struct story_place places[] = {
		{EVENT_OBJECT_SOCKET, EVENT_ROLE_SINK, 0, "10.77.0.20:443/tcp", "10.77.0.20",
		 "im.test", "im"},
		{EVENT_OBJECT_SOCKET, EVENT_ROLE_SINK, 0, "10.77.0.30:443/tcp", "10.77.0.30",
		 "pan.test", "cloud"},
		{EVENT_OBJECT_SOCKET, EVENT_ROLE_SINK, 0, "10.77.0.31:443/tcp", "10.77.0.31",
		 "shop.test", "shop"},
		{EVENT_OBJECT_SOCKET, EVENT_ROLE_TRUSTED, 0, "10.77.0.40:22/tcp", "10.77.0.40",
		 "backup.test", NULL},
	};
	struct story_place place = {
		EVENT_OBJECT_SOCKET, EVENT_ROLE_SINK, connection, name, name, NULL, NULL};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].zone_name, name) == 0)
			place = places[i];
	place.ino = connection;
	return place;
}

static char *copy(const char *text)
{
	char *copied = text ? strdup(text) : NULL;

	assert_true(!text || copied);
	return copied;
}

struct event *story_event(struct story *story, enum event_kind kind, struct story_app app,
			  struct story_place place)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->kind = kind;
	event->seq = ++story->seq;
	event->agent = copy("desk-1");
	event->boot_id = copy("boot-1");
	event->time_ns = story->now_ns;
	event->certainty = EVENT_CERTAINTY_EXACT;
	event->app.id = app.id;
	event->app.pid = (uint32_t)app.id;
	event->app.exe = copy(app.exe);
	event->object.kind = place.kind;
	event->object.role = place.role;
	event->object.dev = 8 << 20;
	event->object.ino = place.ino;
	event->object.generation = place.kind == EVENT_OBJECT_FILE ? 7 : 0;
	event->object.name = copy(place.name);
	event->object.address = copy(place.address);
	event->object.zone_name = copy(place.zone_name);
	event->object.zone_kind = copy(place.zone_kind);
	return event;
}

/* Stores one event, and correlates it unless that is held back. */
void story_sends(struct story *story, struct event *event)
{
	_cleanup_free_ char *person = copy(story->person);
	struct store_record record = {.event = event, .person = person, .is_staff = true};

	assert_int_equal(store_append(story->store, &record, 1), 0);
	if (story->is_taken)
		assert_int_equal(correlate_take(story->correlate, &record, 1), 0);
	else if (!story->is_held)
		assert_int_equal(
			correlate_process(story->correlate, &record, 1, on_incident, story), 0);
	event_free(event);
}

static enum event_kind kind_of(enum event_direction direction, const struct story_place *place,
			       const char *labels)
{
	if (place->role == EVENT_ROLE_CRM)
		return EVENT_CRM_ACCESS;
	(void)labels;
	return direction == EVENT_DIRECTION_OUT && place->role == EVENT_ROLE_SINK ? EVENT_EGRESS
										  : EVENT_FLOW;
}

static void send_flow(struct story *story, struct story_app app, struct story_place place,
		      enum event_direction direction, const char *labels, const char *origins,
		      uint64_t bytes, uint64_t turns)
{
	uint64_t first_ns = story->now_ns;

	for (int i = 0; i < 2; i++) {
		struct event *event =
			story_event(story, i == 0 ? EVENT_EDGE : kind_of(direction, &place, labels),
				    app, place);

		event->direction = direction;
		event->flow_first_ns = first_ns;
		event->bytes_total = i == 0 ? 0 : bytes;
		event->calls_total = (uint64_t)i;
		event->turns_total = i == 0 ? 0 : turns;
		if (labels)
			assert_int_equal(event_add_label(event, labels), 0);
		if (origins)
			assert_int_equal(event_add_origin(event, origins), 0);
		story_sends(story, event);
		story->now_ns += 1000000000;
	}
}

void story_reads(struct story *story, struct story_app app, struct story_place place,
		 const char *labels, const char *origins, uint64_t bytes)
{
	send_flow(story, app, place, EVENT_DIRECTION_IN, labels, origins, bytes, 0);
}

void story_writes(struct story *story, struct story_app app, struct story_place place,
		  const char *labels, const char *origins, uint64_t bytes)
{
	send_flow(story, app, place, EVENT_DIRECTION_OUT, labels, origins, bytes, 0);
}

void story_looks_up(struct story *story, struct story_app app, uint64_t connection, uint64_t turns)
{
	send_flow(story, app, story_crm(connection), EVENT_DIRECTION_OUT, "policy.property", NULL,
		  turns * 100, 0);
	send_flow(story, app, story_crm(connection), EVENT_DIRECTION_IN, "policy.property", NULL,
		  turns * 300, turns);
}

void story_renames(struct story *story, struct story_app app, struct story_place file,
		   const char *new_name)
{
	struct event *event = story_event(story, EVENT_FILE_RENAME, app, file);

	event->object.previous_name = event->object.name;
	event->object.name = copy(new_name);
	story_sends(story, event);
	story->now_ns += 1000000000;
}

void story_removes(struct story *story, struct story_app app, struct story_place file,
		   enum event_kind kind)
{
	story_sends(story, story_event(story, kind, app, file));
	story->now_ns += 1000000000;
}

void story_waits(struct story *story, uint64_t ns)
{
	story->now_ns += ns;
}

void story_reopens(struct story *story)
{
	correlate_free(story->correlate);
	store_close(story->store);
	story->store = store_fixture_open(story->dir, 0);
	assert_int_equal(correlate_new(story->store, story->policy->policy, &story->correlate), 0);
	story->is_held = story->is_taken = false;
}

void story_restarts(struct story *story)
{
	story_reopens(story);
	assert_int_equal(correlate_catch_up(story->correlate, on_incident, story), 0);
}

void story_recomputes(struct story *story)
{
	assert_int_equal(store_put_number(story->store, "correlated_upto", 0), 0);
	story_restarts(story);
}

static void free_list(struct store_incident **stored, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store_incident_free(stored[i]);
	free(stored);
}

size_t story_count_incidents(struct story *story)
{
	struct store_incident **stored = NULL;
	size_t n = 0;

	assert_int_equal(store_list_incidents(story->store, &stored, &n), 0);
	free_list(stored, n);
	return n;
}

struct incident *story_incident(struct story *story, const char *recipient)
{
	struct store_incident **stored = NULL;
	struct incident *found = NULL;
	_cleanup_free_ char *part = NULL;
	size_t n = 0;

	assert_true(asprintf(&part, " %s ", recipient) > 0);
	assert_int_equal(store_list_incidents(story->store, &stored, &n), 0);
	for (size_t i = 0; i < n && !found; i++)
		if (strstr(stored[i]->key, part))
			assert_int_equal(incident_from_stored(stored[i], &found), 0);
	free_list(stored, n);
	assert_non_null(found);
	return found;
}

int64_t story_points(const struct incident *incident, const char *detector)
{
	int64_t points = 0;

	for (size_t i = 0; i < incident->n_addends; i++)
		if (strcmp(incident->addends[i].detector, detector) == 0)
			points += incident->addends[i].points;
	return points;
}

bool story_has_attack(const struct incident *incident, const char *technique)
{
	for (size_t i = 0; i < incident->n_addends; i++)
		if (strstr(incident->addends[i].attack, technique))
			return true;
	return false;
}

uint64_t story_tells_the_seed(struct story *story, uint64_t n_lookups)
{
	struct story_app im = {10, "/usr/bin/im-client"}, python = {11, "/usr/bin/python3"};
	struct story_place list = story_file(100, "/home/~/policies.txt");
	struct story_place out = story_file(101, "/home/~/out.csv");
	const char *property = "policy.property", *peer = "im.test";

	story_reads(story, im, story_peer(1000, peer), NULL, peer, 900);
	story_writes(story, im, list, NULL, peer, 900);
	story_reads(story, python, list, NULL, peer, 900);
	story_looks_up(story, python, 2000, n_lookups + 1); /* and the handshake's turn */
	story_writes(story, python, out, property, peer, 7321);
	story_reads(story, im, out, property, peer, 7321);
	story_writes(story, im, story_peer(1000, peer), property, peer, 7400);
	return 7400;
}
