/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_PIPELINE_SCAN_H
#define WEIR_AGENT_PIPELINE_SCAN_H

/* The counting of records, as the two files of it share it. */

#include "agent/pipeline_private.h"
#include "agent/scan/scan_list.h"
#include "agent/scan/scan_process.h"

/* The file that is being read. */
struct agent_scan_job {
	struct scan_list_file file; /* a copy, but for its path and order */
	char *path;
	struct scan_version version;
	int fd; /* -1: none is */
	unsigned int n_tries;
};

struct agent_scan {
	struct scan_list *list;
	struct scan_process *process;
	sd_event_source *answers, *deadline;
	struct scan_hello hello;
	struct agent_scan_job job;
	uint64_t ids, last_answer_ns;
	unsigned int n_written; /* looked at since the sweep */
	uint64_t written_bytes; /* of them that were read */
	uint64_t origins_met;   /* of the sweep: peers whose data customer data was seen with */
	uint64_t asked, answered, failed;
};

/* pipeline_scan_tell.c: the events. */
/* What the job's file holds, and what of it could not be read. */
void agent_scan_tell(struct agent *agent, const struct scan_answer *answer, uint32_t obstacles);
/* What was found in the file before it left. */
void agent_scan_tell_kept(struct agent *agent, struct scan_list_file *file);
/* What was last read of the file cannot be counted any more. */
void agent_scan_tell_failure(struct agent *agent, struct scan_list_file *file, uint32_t obstacles);

#endif
