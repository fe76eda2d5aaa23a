/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_REPLAY_REPLAY_TEXT_H
#define WEIR_REPLAY_REPLAY_TEXT_H

/*
 * One event as one readable line: local time, person, what happened, how much
 * with its certainty, from where to where. Columns are aligned by display width
 * (CJK counts two). No byte of a file name reaches a terminal as a control code.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "replay/replay.h"

struct replay_text_options {
	bool colour; /* ANSI colours, for a terminal */
};

extern const struct replay_renderer replay_text;

/* True for a terminal that shows colours, unless the environment has NO_COLOR. */
bool replay_text_wants_colour(FILE *stream);

/* Writes the line of one item, newline included, and flushes it. options may be NULL.
 * Returns 0 or -errno of the stream. */
int replay_text_print(const struct replay_item *item, const struct replay_text_options *options,
		      FILE *stream);

#endif
