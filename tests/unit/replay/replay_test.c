/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/event.h"
#include "replay/replay.h"
#include "replay/replay_jsonl.h"
#include "replay/replay_text.h"

#define S 1000000000ull

struct recorded_source {
	const struct event *events;
	size_t n_events, next;
	int end; /* what comes after the last event */
};

static int next_recorded(void *userdata, struct replay_item *ret_item)
{
	struct recorded_source *source = userdata;

	if (source->next == source->n_events)
		return source->end;
	*ret_item = (struct replay_item){.event = &source->events[source->next++]};
	return 1;
}

/* A clock on which only sleeping takes time. */
struct still_clock {
	uint64_t now_ns;
	uint64_t interrupt_at_ns; /* 0: never */
};

static uint64_t still_now(void *userdata)
{
	return ((struct still_clock *)userdata)->now_ns;
}

static int still_sleep(void *userdata, uint64_t deadline_ns)
{
	struct still_clock *clock = userdata;

	if (clock->interrupt_at_ns && deadline_ns >= clock->interrupt_at_ns)
		return -EINTR;
	clock->now_ns = deadline_ns;
	return 0;
}

#define MAX_SHOWN 8

struct shown {
	const struct still_clock *clock;
	uint64_t seqs[MAX_SHOWN], at_ns[MAX_SHOWN];
	size_t n;
	int fail_with; /* 0: never */
};

static int note(const struct replay_item *item, FILE *stream, const void *options)
{
	struct shown *shown = (struct shown *)options;

	(void)stream;
	if (shown->fail_with)
		return shown->fail_with;
	shown->seqs[shown->n] = item->event->seq;
	shown->at_ns[shown->n++] = shown->clock->now_ns;
	return 0;
}

static const struct replay_renderer note_renderer = {.name = "note", .render = note};

static const struct event three_events[] = {
	{.seq = 1, .time_ns = 100 * S},
	{.seq = 2, .time_ns = 110 * S},
	{.seq = 3, .time_ns = 130 * S},
};

struct story {
	struct recorded_source recorded;
	struct still_clock still;
	struct shown shown;
	uint64_t n_items;
};

static int replay_story(struct story *story, double speed)
{
	struct replay_source source = {.next = next_recorded, .userdata = &story->recorded};
	struct replay_clock clock = {
		.now_ns = still_now, .sleep_until = still_sleep, .userdata = &story->still};
	struct replay_options options = {.speed = speed,
					 .clock = &clock,
					 .renderer = &note_renderer,
					 .renderer_options = &story->shown};

	story->recorded.events = three_events;
	story->recorded.n_events = 3;
	story->still.now_ns = 7 * S;
	story->shown.clock = &story->still;
	return replay_run(&source, &options, &story->n_items);
}

static void every_event_is_shown_in_the_order_of_the_source(void **state)
{
	struct story story = {0};

	(void)state;
	assert_int_equal(replay_story(&story, 0), 0);

	assert_int_equal(story.n_items, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(story.shown.seqs[i], i + 1);
}

static void without_a_speed_nobody_waits(void **state)
{
	struct story story = {0};

	(void)state;
	assert_int_equal(replay_story(&story, 0), 0);
	assert_int_equal(story.shown.at_ns[2], 7 * S);
}

static void at_speed_ten_ten_seconds_take_one(void **state)
{
	struct story story = {0};

	(void)state;
	assert_int_equal(replay_story(&story, 10), 0);

	assert_int_equal(story.shown.at_ns[0], 7 * S);
	assert_int_equal(story.shown.at_ns[1], 8 * S);
	assert_int_equal(story.shown.at_ns[2], 10 * S);
}

static void an_interrupted_wait_ends_the_replay(void **state)
{
	struct story story = {.still.interrupt_at_ns = 9 * S};

	(void)state;
	assert_int_equal(replay_story(&story, 10), -EINTR);
	assert_int_equal(story.n_items, 2);
}

static void an_error_of_the_source_is_told_after_what_came_before(void **state)
{
	struct story story = {.recorded.end = -EIO};

	(void)state;
	assert_int_equal(replay_story(&story, 0), -EIO);
	assert_int_equal(story.n_items, 3);
}

static void an_error_of_the_stream_ends_the_replay(void **state)
{
	struct story story = {.shown.fail_with = -EPIPE};

	(void)state;
	assert_int_equal(replay_story(&story, 0), -EPIPE);
	assert_int_equal(story.n_items, 0);
}

static void a_negative_speed_is_refused(void **state)
{
	struct story story = {0};

	(void)state;
	assert_int_equal(replay_story(&story, -1), -EINVAL);
}

static void renderers_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(replay_renderer_by_name("text"), &replay_text);
	assert_ptr_equal(replay_renderer_by_name("jsonl"), &replay_jsonl);
	assert_null(replay_renderer_by_name("xml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_is_shown_in_the_order_of_the_source),
		cmocka_unit_test(without_a_speed_nobody_waits),
		cmocka_unit_test(at_speed_ten_ten_seconds_take_one),
		cmocka_unit_test(an_interrupted_wait_ends_the_replay),
		cmocka_unit_test(an_error_of_the_source_is_told_after_what_came_before),
		cmocka_unit_test(an_error_of_the_stream_ends_the_replay),
		cmocka_unit_test(a_negative_speed_is_refused),
		cmocka_unit_test(renderers_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
