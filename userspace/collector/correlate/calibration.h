/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_CALIBRATION_H
#define WEIR_COLLECTOR_CORRELATE_CALIBRATION_H

/*
 * How many records it was where they could not be counted, by their bytes: those that a record took
 * are the median over the incidents that began before this one, hold data of the same classes, and
 * were counted exactly, in records and in bytes. What was packed is held against what was packed,
 * else the estimate is a lower bound. It is never more than had come in, where that is known.
 */

struct episode;
struct incident;
struct known;
struct known_incident;
struct policy;

/* Sets incident->by_bytes, and incident->records where nothing else says how many there are. The
 * item is the incident's own. 0 or -ENOMEM. */
int calibration_apply(const struct known *known, const struct known_incident *item,
		      const struct episode *episode, const struct policy *policy,
		      struct incident *incident);

#endif
