/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_OPTIONS_H
#define WEIR_CLI_OPTIONS_H

/*
 * What several subcommands parse alike: --data, --json, --lang, numbers, times,
 * speeds. A value is taken whole or refused; nothing is guessed.
 */

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_DATA_DIR "/var/lib/weir"

struct options {
	const char *data_dir;
	const char *lang; /* --lang, else LC_ALL, LC_MESSAGES, LANG; NULL: none is set */
	bool json;
};

/* Keys of options that have no short form, beyond any character. */
enum options_key {
	OPTIONS_KEY_DATA = 0x100,
	OPTIONS_KEY_JSON,
	OPTIONS_KEY_LANG,
	OPTIONS_KEY_FIRST_FREE,
};

/* Children for a subcommand's argp; state->child_inputs[i] must be the struct options. */
extern const struct argp options_data_argp;
extern const struct argp options_json_argp;
extern const struct argp options_lang_argp;

/* The defaults. */
void options_init(struct options *options);

/* A decimal number from 1 to UINT64_MAX. 0 or -EINVAL. */
int options_parse_number(const char *text, uint64_t *ret_number);

/* "YYYY-MM-DD", "YYYY-MM-DD HH:MM[:SS]" (also with T) in local time, or "@SECONDS"; before
 * 2200. 0 or -EINVAL. */
int options_parse_time(const char *text, uint64_t *ret_time_ns);

/* "0", "2", "0.5", "100x": finite, not negative. 0 or -EINVAL. */
int options_parse_speed(const char *text, double *ret_speed);

#endif
