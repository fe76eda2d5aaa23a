/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_STATUS_TEXT_H
#define WEIR_CLI_STATUS_TEXT_H

/*
 * A part's status file as text: its stages and its coverage as tables, every
 * other figure as a line of its own. It shows what the file has, so that a
 * figure added by a part needs no change here, and trusts no byte of it.
 */

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* title is "agent" or "collector"; now_ns tells how old the status is by its time_ns. */
void status_text_print(const char *title, const json_t *status, uint64_t now_ns, FILE *stream);

/* Only the table of coverage[]{channel, coverage, why}. Returns the number of its rows. */
size_t status_text_print_coverage(const json_t *status, FILE *stream);

#endif
