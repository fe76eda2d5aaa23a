/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_ASKING_H
#define WEIR_COLLECTOR_CORRELATE_ASKING_H

/*
 * A browser is one app: once it has read from a CRM, whatever it asks another place for is an
 * egress. This tells that all of an episode may be such asking. A few records that somebody puts
 * into a form are as small, so it may weigh less and is never nothing.
 */

#include <stdbool.h>
#include <stdint.h>

struct episode;
struct incident;
struct policy;

struct asking_limits {
	uint64_t write_bytes;      /* on average, of what a report adds */
	uint64_t connection_bytes; /* in all */
};

/* Whether only browsers sent, which had the data from the CRM themselves and not by clipboard, file
 * or pipe from elsewhere; no record was counted in it; and no connection sent more than asking
 * takes. *ret_program: which browser, borrowed from the episode. */
bool asking_is_all(const struct episode *episode, const struct policy *policy,
		   const struct incident *incident, const struct asking_limits *limits,
		   const char **ret_program);

#endif
