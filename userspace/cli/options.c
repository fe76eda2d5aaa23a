/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000ull
/* 2200-01-01T00:00:00Z */
#define LATEST_SECONDS 7258118400ull

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPTIONS_KEY_DATA:
		if (!*argument)
			argp_error(state, "--data needs a folder");
		options->data_dir = argument;
		return 0;
	case OPTIONS_KEY_JSON:
		options->json = true;
		return 0;
	case OPTIONS_KEY_LANG:
		if (strncmp(argument, "zh", 2) != 0 && strncmp(argument, "en", 2) != 0)
			argp_error(state, "unknown language \"%s\": en or zh", argument);
		options->lang = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option data_options[] = {
	{"data", OPTIONS_KEY_DATA, "DIR", 0, "Data folder of Weir (default " OPTIONS_DATA_DIR ")",
	 0},
	{0},
};

static const struct argp_option json_options[] = {
	{"json", OPTIONS_KEY_JSON, NULL, 0, "Print JSON", 0},
	{0},
};

static const struct argp_option lang_options[] = {
	{"lang", OPTIONS_KEY_LANG, "LANG", 0, "en or zh (default: from the environment)", 0},
	{0},
};

const struct argp options_data_argp = {.options = data_options, .parser = parse};
const struct argp options_json_argp = {.options = json_options, .parser = parse};
const struct argp options_lang_argp = {.options = lang_options, .parser = parse};

static const char *environment_lang(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

void options_init(struct options *options)
{
	*options = (struct options){.data_dir = OPTIONS_DATA_DIR, .lang = environment_lang()};
}

int options_parse_number(const char *text, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || number == 0)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int parse_seconds(const char *text, uint64_t *ret_time_ns)
{
	uint64_t seconds;

	if (options_parse_number(text, &seconds) < 0 || seconds >= LATEST_SECONDS)
		return -EINVAL;
	*ret_time_ns = seconds * NS_PER_S;
	return 0;
}

int options_parse_time(const char *text, uint64_t *ret_time_ns)
{
	static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
					      "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};

	if (text[0] == '@')
		return parse_seconds(text + 1, ret_time_ns);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm local = {.tm_isdst = -1};
		const char *end = strptime(text, formats[i], &local);
		int day = local.tm_mday;
		time_t seconds;

		if (!end || *end)
			continue;
		seconds = mktime(&local);
		/* mktime() makes the 1st of March of a 30th of February. */
		if (local.tm_mday != day || seconds <= 0 || (uint64_t)seconds >= LATEST_SECONDS)
			return -EINVAL;
		*ret_time_ns = (uint64_t)seconds * NS_PER_S;
		return 0;
	}
	return -EINVAL;
}

int options_parse_speed(const char *text, double *ret_speed)
{
	double speed;
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL;
	speed = strtod(text, &end);
	if (end == text || (*end && strcmp(end, "x") != 0) || !isfinite(speed) || speed < 0)
		return -EINVAL;
	*ret_speed = speed;
	return 0;
}
