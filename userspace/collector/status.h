/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_STATUS_H
#define WEIR_COLLECTOR_STATUS_H

/*
 * The collector's counters as a file for `weir status`: DIR/collector/status.json
 * with time_ns, pid, port, stages[]{name, in, out, dropped}, duplicates, batches,
 * batches_refused, agents, connections_refused, events_missing,
 * events_undecodable, last_error (null or words) and store{events, duplicates,
 * segments, segments_set_aside, incidents}. A reader sees the old or the new one.
 */

struct collector_status;

/* Writes dir/status.json. Returns 0 or -errno. */
int status_write(const char *dir, const struct collector_status *status);

#endif
