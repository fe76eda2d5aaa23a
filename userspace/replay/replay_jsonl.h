/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_REPLAY_REPLAY_JSONL_H
#define WEIR_REPLAY_REPLAY_JSONL_H

/* One event as one line of JSON, the object of event/event_json.h. Each line is flushed. */

#include "replay/replay.h"

extern const struct replay_renderer replay_jsonl;

#endif
