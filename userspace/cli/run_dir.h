/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_RUN_DIR_H
#define WEIR_CLI_RUN_DIR_H

/*
 * The data folder of `weir run`: made and locked, so that one folder has one
 * run, and bound to one agent name for good, because stored sequence numbers
 * belong to that name.
 */

#include <stdbool.h>

struct run_dir {
	char *path;         /* absolute */
	char *agent_dir;    /* path/agent */
	char *identity_dir; /* path/identity */
	char *pin_dir;      /* in bpffs, of this folder only */
	char *agent_id;
	int lock_fd; /* -1: not locked */
};

/*
 * Makes the folders (0700), takes the lock, settles the agent name: agent_id,
 * or NULL for the one used before, at first the host's name. Returns 0 or
 * -errno with *ret_problem, which the caller frees (NULL when memory is out).
 */
int run_dir_open(const char *path, const char *agent_id, struct run_dir *ret_dir,
		 char **ret_problem);
void run_dir_done(struct run_dir *dir);

/* True while a run holds the lock of the folder. */
bool run_dir_is_locked(const char *path);

#endif
