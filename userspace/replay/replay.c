/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/replay.h"

#include <errno.h>
#include <string.h>

#include "event/event.h"
#include "replay/pace.h"
#include "replay/replay_jsonl.h"
#include "replay/replay_text.h"

static int wait_for_item(struct pace *pace, const struct replay_clock *clock, uint64_t event_ns)
{
	uint64_t now_ns = clock->now_ns(clock->userdata);
	uint64_t deadline_ns = pace_deadline_ns(pace, event_ns, now_ns);

	return deadline_ns > now_ns ? clock->sleep_until(clock->userdata, deadline_ns) : 0;
}

int replay_run(const struct replay_source *source, const struct replay_options *options,
	       uint64_t *ret_items)
{
	struct pace pace = {.speed = options->speed};
	uint64_t n_items = 0;
	int r;

	if (options->speed < 0 || (options->speed > 0 && !options->clock))
		return -EINVAL;
	for (;;) {
		struct replay_item item = {0};

		r = source->next(source->userdata, &item);
		if (r <= 0)
			break;
		if (options->speed > 0) {
			r = wait_for_item(&pace, options->clock, item.event->time_ns);
			if (r < 0)
				break;
		}
		r = options->renderer->render(&item, options->stream, options->renderer_options);
		if (r < 0)
			break;
		n_items++;
	}
	if (ret_items)
		*ret_items = n_items;
	return r;
}

const struct replay_renderer *replay_renderer_by_name(const char *name)
{
	static const struct replay_renderer *const renderers[] = {&replay_text, &replay_jsonl};

	for (size_t i = 0; i < sizeof(renderers) / sizeof(renderers[0]); i++)
		if (strcmp(renderers[i]->name, name) == 0)
			return renderers[i];
	return NULL;
}
