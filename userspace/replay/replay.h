/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_REPLAY_REPLAY_H
#define WEIR_REPLAY_REPLAY_H

/*
 * The timeline: takes events from whatever source the caller gives, waits
 * between them as long as the chosen speed asks, and hands them to a renderer.
 * It keeps the source's order, drops nothing, and can be interrupted at any time.
 */

#include <stdint.h>
#include <stdio.h>

struct event;

/* One happening on the timeline. Everything is lent until the source's next call. */
struct replay_item {
	const struct event *event;
	const char *person;           /* pseudonym, NULL when nobody acted */
	uint64_t bytes, calls, turns; /* what this event added to its flow */
};

struct replay_source {
	/* Returns 1 with an item, 0 at the end, -errno. */
	int (*next)(void *userdata, struct replay_item *ret_item);
	void *userdata;
};

/* Shows items on a stream. */
struct replay_renderer {
	const char *name; /* as --format says it */
	/* Returns 0 or -errno. */
	int (*render)(const struct replay_item *item, FILE *stream, const void *options);
};

/* How replay_run() waits; replaceable so that pacing is tested without waiting. */
struct replay_clock {
	uint64_t (*now_ns)(void *userdata); /* monotonic */
	/* Sleeps until now_ns() is deadline_ns. Returns 0, or -EINTR to stop the replay. */
	int (*sleep_until)(void *userdata, uint64_t deadline_ns);
	void *userdata;
};

struct replay_options {
	double speed;                     /* event seconds a second; 0: as fast as possible */
	const struct replay_clock *clock; /* needed when speed is not 0 */
	const struct replay_renderer *renderer;
	const void *renderer_options; /* struct replay_text_options for replay_text */
	FILE *stream;
};

/*
 * Replays source to its end. Returns 0, -EINTR when the clock was interrupted,
 * or -errno of the source, the renderer or the stream (-EPIPE: nobody reads).
 * *ret_items counts what was shown, also on failure.
 */
int replay_run(const struct replay_source *source, const struct replay_options *options,
	       uint64_t *ret_items);

/* NULL when there is none of that name. */
const struct replay_renderer *replay_renderer_by_name(const char *name);

#endif
