/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "event/event_codec.h"
#include "proto/event.pb-c.h"

/* Every field holds a value of its own, so that two that are mixed up show. */
static struct event *given_event_with_every_field(void)
{
	struct event *event = event_new();

	assert_non_null(event);
	*event = (struct event){
		.seq = 1,
		.agent = strdup("agent"),
		.boot_id = strdup("boot"),
		.time_ns = UINT64_MAX,
		.gap_end_ns = 3,
		.kind = EVENT_EGRESS,
		.direction = EVENT_DIRECTION_OUT,
		.certainty = EVENT_CERTAINTY_EXACT,
		.hops = 4,
		.flow_first_ns = 5,
		.bytes_total = 6,
		.calls_total = 7,
		.turns_total = 8,
		.since_ns = 29,
		.since_calls = 30,
		.dropped = 9,
		.detail = strdup(""),
		.rows = 20,
		.content_ns = 21,
		.size_bytes = 22,
		.questions = {.names = 25, .name_bytes = 26, .text = 27, .longest_bytes = 28},
		.app = {.id = 10,
			.parent_id = 11,
			.start_ns = 12,
			.pid = 13,
			.login_uid = UINT32_MAX,
			.exe = strdup("exe"),
			.exe_sha256 = strdup("sha"),
			.comm = strdup("comm"),
			.cgroup = strdup("cgroup")},
		.object = {.kind = EVENT_OBJECT_SOCKET,
			   .role = EVENT_ROLE_SINK,
			   .dev = 16,
			   .ino = 17,
			   .generation = 18,
			   .port = 19,
			   .name = strdup("name"),
			   .previous_name = strdup("previous"),
			   .address = strdup("address"),
			   .zone_name = strdup("zone"),
			   .zone_kind = strdup("kind"),
			   .vendor = strdup("vendor"),
			   .model = strdup("model"),
			   .serial = strdup("serial"),
			   .volume = strdup("volume"),
			   .host = strdup("host"),
			   .host_source = EVENT_HOST_CONNECT},
	};
	assert_int_equal(event_add_label(event, "b"), 0);
	assert_int_equal(event_add_label(event, "a"), 0);
	assert_int_equal(event_add_origin(event, "o"), 0);
	assert_int_equal(event_add_count(event, "mobile", 2, (uint64_t[]){UINT64_MAX, 23}, 2), 0);
	event->counts[0].is_in_order = true;
	assert_int_equal(event_add_count(event, "email", 24, NULL, 0), 0);
	return event;
}

static struct event *when_sent(const struct event *event)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct event *received = NULL;
	size_t size = 0;

	assert_int_equal(event_encode(event, &data, &size), 0);
	assert_int_equal(event_decode(data, size, &received), 0);
	return received;
}

static void assert_same_app(const struct event_app *a, const struct event_app *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->parent_id, b->parent_id);
	assert_int_equal(a->start_ns, b->start_ns);
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->login_uid, b->login_uid);
	assert_string_equal(a->exe, b->exe);
	assert_string_equal(a->exe_sha256, b->exe_sha256);
	assert_string_equal(a->comm, b->comm);
	assert_string_equal(a->cgroup, b->cgroup);
}

static void assert_same_object(const struct event_object *a, const struct event_object *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->role, b->role);
	assert_int_equal(a->dev, b->dev);
	assert_int_equal(a->ino, b->ino);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->port, b->port);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->previous_name, b->previous_name);
	assert_string_equal(a->address, b->address);
	assert_string_equal(a->zone_name, b->zone_name);
	assert_string_equal(a->zone_kind, b->zone_kind);
	assert_string_equal(a->host, b->host);
	assert_int_equal(a->host_source, b->host_source);
	assert_string_equal(a->vendor, b->vendor);
	assert_string_equal(a->model, b->model);
	assert_string_equal(a->serial, b->serial);
	assert_string_equal(a->volume, b->volume);
}

static int send_back(const struct event *event)
{
	_cleanup_(event_freep) struct event *received = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0;

	assert_int_equal(event_encode(event, &data, &size), 0);
	return event_decode(data, size, &received);
}

static void counts_that_cannot_be_are_refused(void **state)
{
	_cleanup_(event_freep) struct event *event = event_new();
	static const uint64_t fingerprints[EVENT_MAX_FINGERPRINTS + 1];

	(void)state;
	assert_int_equal(event_add_count(event, "a", EVENT_MAX_FINGERPRINTS, fingerprints,
					 EVENT_MAX_FINGERPRINTS),
			 0);
	assert_int_equal(send_back(event), 0);
	assert_int_equal(event_add_count(event, "b", 1, fingerprints, 1), -E2BIG);
	for (int i = 1; i < EVENT_MAX_COUNTS; i++)
		assert_int_equal(event_add_count(event, "c", 1, NULL, 0), 0);
	assert_int_equal(event_add_count(event, "d", 1, NULL, 0), -E2BIG);
	assert_int_equal(send_back(event), 0);
	/* Part of the fingerprints is no list that could be joined with another. */
	event->counts[0].n_records++;
	assert_int_equal(send_back(event), -EBADMSG);
}

static void every_field_survives_the_wire(void **state)
{
	_cleanup_(event_freep) struct event *event = given_event_with_every_field();
	_cleanup_(event_freep) struct event *received = when_sent(event);

	(void)state;
	assert_same_app(&received->app, &event->app);
	assert_same_object(&received->object, &event->object);
	assert_int_equal(received->seq, event->seq);
	assert_string_equal(received->agent, event->agent);
	assert_string_equal(received->boot_id, event->boot_id);
	assert_int_equal(received->time_ns, event->time_ns);
	assert_int_equal(received->gap_end_ns, event->gap_end_ns);
	assert_int_equal(received->kind, event->kind);
	assert_int_equal(received->direction, event->direction);
	assert_int_equal(received->certainty, event->certainty);
	assert_int_equal(received->hops, event->hops);
	assert_int_equal(received->flow_first_ns, event->flow_first_ns);
	assert_int_equal(received->bytes_total, event->bytes_total);
	assert_int_equal(received->calls_total, event->calls_total);
	assert_int_equal(received->turns_total, event->turns_total);
	assert_int_equal(received->since_ns, event->since_ns);
	assert_int_equal(received->since_calls, event->since_calls);
	assert_int_equal(received->dropped, event->dropped);
	assert_int_equal(received->rows, event->rows);
	assert_int_equal(received->content_ns, event->content_ns);
	assert_int_equal(received->size_bytes, event->size_bytes);
	assert_memory_equal(&received->questions, &event->questions, sizeof(event->questions));
	assert_int_equal(received->n_counts, 2);
	assert_string_equal(received->counts[0].record, "mobile");
	assert_int_equal(received->counts[0].n_records, 2);
	assert_int_equal(received->counts[0].n_fingerprints, 2);
	assert_true(received->counts[0].fingerprints[0] == UINT64_MAX);
	assert_int_equal(received->counts[0].fingerprints[1], 23);
	assert_true(received->counts[0].is_in_order);
	assert_false(received->counts[1].is_in_order);
	assert_int_equal(received->counts[1].n_records, 24);
	assert_int_equal(received->counts[1].n_fingerprints, 0);
	assert_int_equal(received->n_labels, 2);
	assert_string_equal(received->labels[0], "a");
	assert_int_equal(received->n_origins, 1);
	assert_string_equal(received->origins[0], "o");
}

static void unknown_and_empty_text_stay_apart(void **state)
{
	_cleanup_(event_freep) struct event *event = event_new();
	_cleanup_(event_freep) struct event *received = NULL;

	(void)state;
	event->detail = strdup("");
	received = when_sent(event);
	assert_string_equal(received->detail, "");
	assert_null(received->agent);
	assert_null(received->app.exe);
}

static void bytes_that_are_no_event_are_refused(void **state)
{
	static const uint8_t group_end[] = {0x0c};
	static const uint8_t long_string[] = {0x12, 0x7f, 'a'};
	struct event *event = NULL;

	(void)state;
	assert_int_equal(event_decode(group_end, sizeof(group_end), &event), -EBADMSG);
	assert_int_equal(event_decode(long_string, sizeof(long_string), &event), -EBADMSG);
	assert_null(event);
}

/* Cut anywhere, an event either still parses (at the border of a field) or is refused; never a
 * crash. */
static void a_cut_event_is_refused_or_a_smaller_event(void **state)
{
	_cleanup_(event_freep) struct event *event = given_event_with_every_field();
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0;

	(void)state;
	assert_int_equal(event_encode(event, &data, &size), 0);
	for (size_t cut = 0; cut < size; cut++) {
		_cleanup_free_ uint8_t *part = malloc(cut + 1);
		_cleanup_(event_freep) struct event *received = NULL;
		int r;

		memcpy(part, data, cut);
		r = event_decode(part, cut, &received);
		assert_true(r == 0 || r == -EBADMSG);
		assert_true((r == 0) == (received != NULL));
	}
}

static struct event *when_received(Weir__Event *message)
{
	size_t size = weir__event__get_packed_size(message);
	_cleanup_free_ uint8_t *data = malloc(size + 1);
	struct event *event = NULL;
	int r;

	weir__event__pack(message, data);
	r = event_decode(data, size, &event);
	assert_true(r == 0 || r == -EBADMSG);
	return event;
}

static void values_of_a_newer_agent_read_as_unknown(void **state)
{
	Weir__EventObject object = WEIR__EVENT_OBJECT__INIT;
	Weir__Event message = WEIR__EVENT__INIT;
	_cleanup_(event_freep) struct event *event = NULL;

	(void)state;
	message.has_kind = message.has_direction = message.has_certainty = 1;
	message.kind = message.direction = message.certainty = 4000000000;
	message.object = &object;
	object.has_kind = object.has_role = 1;
	object.kind = object.role = 4000000000;
	event = when_received(&message);
	assert_non_null(event);
	assert_int_equal(event->kind, EVENT_UNKNOWN);
	assert_int_equal(event->direction, EVENT_DIRECTION_NONE);
	assert_int_equal(event->certainty, EVENT_CERTAINTY_UNKNOWN);
	assert_int_equal(event->object.kind, EVENT_OBJECT_OTHER);
	assert_int_equal(event->object.role, EVENT_ROLE_NONE);
}

/* As it was packed when an app had no more than this. */
static void an_event_of_an_agent_that_knew_no_cgroups_still_reads(void **state)
{
	static const uint8_t data[] = {0x08, 0x2a, 0x4a, 0x0c, 0x08, 0x07, 0x20, 0x08,
				       0x32, 0x01, 'x',  0x42, 0x03, 's',  'h',  '1'};
	_cleanup_(event_freep) struct event *event = NULL;

	(void)state;
	assert_int_equal(event_decode(data, sizeof(data), &event), 0);
	assert_int_equal(event->seq, 42);
	assert_int_equal(event->app.id, 7);
	assert_int_equal(event->app.pid, 8);
	assert_string_equal(event->app.exe, "x");
	assert_string_equal(event->app.comm, "sh1");
	assert_null(event->app.cgroup);
}

static void more_labels_than_a_mask_has_bits_are_refused(void **state)
{
	char *labels[65];
	Weir__Event message = WEIR__EVENT__INIT;

	(void)state;
	for (size_t i = 0; i < 65; i++)
		labels[i] = (char *)"x";
	message.labels = labels;
	message.n_labels = 65;
	assert_null(when_received(&message));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_survives_the_wire),
		cmocka_unit_test(counts_that_cannot_be_are_refused),
		cmocka_unit_test(unknown_and_empty_text_stay_apart),
		cmocka_unit_test(bytes_that_are_no_event_are_refused),
		cmocka_unit_test(a_cut_event_is_refused_or_a_smaller_event),
		cmocka_unit_test(values_of_a_newer_agent_read_as_unknown),
		cmocka_unit_test(an_event_of_an_agent_that_knew_no_cgroups_still_reads),
		cmocka_unit_test(more_labels_than_a_mask_has_bits_are_refused),
	};

	return cmocka_run_group_tests_name("event/event_codec", tests, NULL, NULL);
}
