/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/replay_jsonl.h"

#include <errno.h>

#include <jansson.h>

#include "event/event_json.h"

static int render(const struct replay_item *item, FILE *stream, const void *options)
{
	json_t *object = event_to_json(item->event, item->person, item->bytes, item->calls);
	int r = 0;

	(void)options;
	if (!object)
		return -ENOMEM;
	errno = 0;
	if (json_dumpf(object, stream, JSON_COMPACT) < 0 || fputc('\n', stream) == EOF ||
	    fflush(stream) != 0)
		r = errno ? -errno : -EIO;
	json_decref(object);
	return r;
}

const struct replay_renderer replay_jsonl = {.name = "jsonl", .render = render};
