/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"

/*
 * The lineage once more, from the senders backwards, but not across screens: when no source is met
 * and nothing stays unexplained, pictures are all that there was.
 */

struct tracing {
	const struct lineage *lineage;
	const struct policy *policy;
	const struct lineage_object **objects; /* of each flow; NULL: none */
	bool *is_reached;                      /* of each app */
	bool has_picture;
	bool is_sure; /* some of it came in another way, or nobody knows how */
};

static void tracing_done(struct tracing *tracing)
{
	free(tracing->objects);
	free(tracing->is_reached);
}

static bool is_picture(const struct lineage_flow *flow)
{
	return flow->event->object.kind == EVENT_OBJECT_SCREEN;
}

static bool is_taken_in(const struct lineage_flow *flow)
{
	return flow->event->direction == EVENT_DIRECTION_IN && flow->event->n_labels > 0;
}

static bool has_pictures(const struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->n_flows; i++)
		if (is_picture(&lineage->flows[i]) && is_taken_in(&lineage->flows[i]))
			return true;
	return false;
}

/* Who wrote what came in is reached, too. Returns whether one was not before. */
static bool trace_writers(struct tracing *tracing, size_t in)
{
	const struct lineage *lineage = tracing->lineage;
	const struct event *event = lineage->flows[in].event;
	bool is_explained = false, is_new = false;

	for (size_t i = 0; event->object.kind == EVENT_OBJECT_APP && i < lineage->n_apps; i++) {
		if (lineage->apps[i].id != event->object.ino)
			continue;
		is_new |= !tracing->is_reached[i];
		is_explained = tracing->is_reached[i] = true;
	}
	for (size_t i = 0; tracing->objects[in] && i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (tracing->objects[i] != tracing->objects[in] ||
		    flow->event->direction != EVENT_DIRECTION_OUT)
			continue;
		is_new |= !tracing->is_reached[flow->app];
		is_explained = tracing->is_reached[flow->app] = true;
	}
	tracing->is_sure |= !is_explained;
	return is_new;
}

/* Returns whether another one was reached from here. */
static bool trace_app(struct tracing *tracing, const struct lineage_app *app)
{
	bool is_explained = false, is_new = false;

	for (size_t i = app->first_flow; i != LINEAGE_NO_FLOW && !tracing->is_sure;
	     i = tracing->lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &tracing->lineage->flows[i];

		if (!is_taken_in(flow))
			continue;
		is_explained = true;
		if (is_picture(flow))
			tracing->has_picture = true;
		else if (flow->is_crm || flow->event->object.role == EVENT_ROLE_EXPORT)
			tracing->is_sure = true;
		else
			is_new |= trace_writers(tracing, i);
	}
	tracing->is_sure |= !is_explained || episode_app_is_client(tracing->policy, app);
	return is_new;
}

static void trace(struct tracing *tracing)
{
	const struct lineage *lineage = tracing->lineage;
	bool is_new = true;

	for (size_t i = 0; i < lineage->n_flows; i++)
		tracing->objects[i] = lineage_object_of(lineage, &lineage->flows[i]);
	for (size_t i = 0; i < lineage->n_apps; i++)
		tracing->is_reached[i] = lineage->apps[i].is_sender;
	while (is_new && !tracing->is_sure) {
		is_new = false;
		for (size_t i = 0; i < lineage->n_apps && !tracing->is_sure; i++)
			if (tracing->is_reached[i])
				is_new |= trace_app(tracing, &lineage->apps[i]);
	}
}

int episode_is_picture(const struct episode *episode, const struct policy *policy)
{
	const struct lineage *lineage = episode->lineage;
	_cleanup_(tracing_done) struct tracing tracing = {.lineage = lineage, .policy = policy};

	if (lineage->n_cut > 0 || !has_pictures(lineage))
		return 0;
	tracing.objects = calloc(lineage->n_flows, sizeof(*tracing.objects));
	tracing.is_reached = calloc(lineage->n_apps, sizeof(*tracing.is_reached));
	if (!tracing.objects || !tracing.is_reached)
		return -ENOMEM;
	trace(&tracing);
	return tracing.has_picture && !tracing.is_sure;
}
