/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector/incidents/incident.h"

struct incident_time_text incident_format_time(uint64_t time_ns)
{
	struct incident_time_text result = {""};
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm local;

	if (!localtime_r(&seconds, &local) ||
	    strftime(result.text, sizeof(result.text), "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		snprintf(result.text, sizeof(result.text), "%" PRIu64 " ns", time_ns);
	return result;
}

struct incident_number_text incident_format_number(uint64_t number)
{
	struct incident_number_text result = {""};
	char digits[24];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *out = result.text;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return result;
}

const char *incident_format_certainty(enum event_certainty certainty, const char *lang)
{
	if (!incident_lang_is_chinese(lang))
		return event_certainty_to_string(certainty);
	switch (certainty) {
	case EVENT_CERTAINTY_EXACT:
		return "精确";
	case EVENT_CERTAINTY_ESTIMATED:
		return "估计";
	case EVENT_CERTAINTY_UNKNOWN:
		break;
	}
	return "未知";
}
