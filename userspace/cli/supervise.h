/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_SUPERVISE_H
#define WEIR_CLI_SUPERVISE_H

/*
 * Keeps a short list of child processes alive, in order: a child is started
 * when the one before it is ready, and stopped before the one before it. A
 * child that dies after it was ready once is started again, ever more slowly;
 * one that dies before fails the whole. No child outlives its parent.
 */

#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

struct supervise;

/* At most this many children. */
#define SUPERVISE_CHILDREN_MAX 4

struct supervise_child {
	const char *name; /* of the process, at most 15 bytes */
	/* Runs in the child with SIGTERM blocked, for its own loop to take: SIGTERM asks it to
	 * end. Calls supervise_tell_ready(ready_fd) once, which closes it. Returns the exit status.
	 */
	int (*run)(int ready_fd, void *userdata);
	/* In the parent, each time the child got ready; value is what the child told. May be NULL.
	 */
	void (*ready)(uint32_t value, void *userdata);
	uint64_t stop_timeout_ms; /* from SIGTERM to SIGKILL */
	void *userdata;
};

struct supervise_config {
	const struct supervise_child *children; /* must live as long as the supervisor */
	size_t n_children;
	/* Once, when every child has become ready. May be NULL. */
	void (*all_ready)(void *userdata);
	/* A child ended by itself and will be started again after delay_ms; 0: it never was ready
	 * and the whole ends. May be NULL. */
	void (*died)(const char *name, int wait_status, uint64_t delay_ms, void *userdata);
	void *userdata;
	uint64_t backoff_min_ms, backoff_max_ms; /* 0: 100 and 10000 */
};

/*
 * Starts the first child. The event loop exits with 0 after supervise_stop(),
 * and with 1 after a child failed before it was ready, each time once no child
 * is left. SIGCHLD must be blocked. Returns 0 or -errno.
 */
int supervise_new(sd_event *event, const struct supervise_config *config,
		  struct supervise **ret_supervise);

/* Stops the children, last started first. A second call kills what is still there. */
void supervise_stop(struct supervise *supervise);

/* Kills what is still there. */
void supervise_free(struct supervise *supervise);

/* 0 when the child is not running. */
pid_t supervise_child_pid(const struct supervise *supervise, size_t child);

/* In a child: 0 or -errno. */
int supervise_tell_ready(int ready_fd, uint32_t value);

static inline void supervise_freep(struct supervise **supervise)
{
	if (*supervise)
		supervise_free(*supervise);
}

#endif
