/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_REPLAY_FIGURES_H
#define WEIR_REPLAY_FIGURES_H

/*
 * Figures and names as people read them: byte counts with binary units, local
 * times, text padded by display width. Everything it writes is safe on a
 * terminal: control bytes and broken UTF-8 come out as \xNN.
 */

#include <stddef.h>
#include <stdint.h>

#define FIGURES_SIZE 64

/* "0 B", "999 B", "1.5 KiB", "23.4 MiB"; exact below 1 KiB. */
void figures_format_bytes(uint64_t bytes, char ret_text[FIGURES_SIZE]);

/* "2026-07-12 14:03:11.482" in the local time zone; time_ns is CLOCK_REALTIME. */
void figures_format_time(uint64_t time_ns, char ret_text[FIGURES_SIZE]);

/* "1.5 s", "2 min 3 s", "1 h 2 min", "3 d 4 h". */
void figures_format_duration(uint64_t duration_ns, char ret_text[FIGURES_SIZE]);

/* Columns that UTF-8 text takes on a terminal. What is not printable counts as 4 (\xNN) a byte. */
size_t figures_width(const char *text);

/* A copy with control bytes and broken UTF-8 escaped. NULL when memory is out; the caller frees. */
char *figures_escape(const char *text);

#endif
