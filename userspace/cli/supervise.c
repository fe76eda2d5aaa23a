/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"

#define US_PER_MS 1000ull
#define TIMER_ACCURACY_US US_PER_MS

struct running_child {
	struct supervise *supervise;
	const struct supervise_child *spec;
	pid_t pid;           /* 0: not running */
	int ready_fd;        /* -1: told already, or not running */
	bool was_ready;      /* at least once */
	uint64_t started_us; /* CLOCK_MONOTONIC */
	uint64_t delay_ms;   /* before the next start */
	sd_event_source *exit_source;
	sd_event_source *ready_source;
	sd_event_source *timer; /* of the next start, or of the end of patience when stopping */
};

struct supervise {
	sd_event *event;
	struct supervise_config config;
	struct running_child children[SUPERVISE_CHILDREN_MAX];
	bool is_stopping;
	int exit_code;
};

static int start_child(struct running_child *child);
static void stop_last_child(struct supervise *supervise);

static void fail(struct supervise *supervise)
{
	supervise->exit_code = 1;
	supervise->is_stopping = true;
	stop_last_child(supervise);
}

static uint64_t now_us(struct supervise *supervise)
{
	uint64_t now;

	return sd_event_now(supervise->event, CLOCK_MONOTONIC, &now) < 0 ? 0 : now;
}

static int arm_timer(struct running_child *child, uint64_t delay_ms,
		     sd_event_time_handler_t handler)
{
	child->timer = sd_event_source_disable_unref(child->timer);
	return sd_event_add_time_relative(child->supervise->event, &child->timer, CLOCK_MONOTONIC,
					  delay_ms * US_PER_MS, TIMER_ACCURACY_US, handler, child);
}

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct running_child *child = userdata;

	(void)source;
	(void)usec;
	child->timer = sd_event_source_disable_unref(child->timer);
	/* Out of processes or memory now may be over a moment later. */
	if (start_child(child) < 0 && arm_timer(child, child->delay_ms, on_restart) < 0)
		fail(child->supervise);
	return 0;
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct running_child *child = userdata;

	(void)source;
	(void)usec;
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
	return 0;
}

static void stop_last_child(struct supervise *supervise)
{
	for (size_t i = supervise->config.n_children; i-- > 0;) {
		struct running_child *child = &supervise->children[i];

		child->timer = sd_event_source_disable_unref(child->timer);
		if (child->pid <= 0)
			continue;
		kill(child->pid, SIGTERM);
		if (arm_timer(child, child->spec->stop_timeout_ms, on_patience_over) < 0)
			kill(child->pid, SIGKILL);
		return;
	}
	sd_event_exit(supervise->event, supervise->exit_code);
}

static void child_got_ready(struct running_child *child, uint32_t value)
{
	struct supervise *supervise = child->supervise;
	bool is_first = !child->was_ready;
	size_t next = (size_t)(child - supervise->children) + 1;

	child->was_ready = true;
	if (child->spec->ready)
		child->spec->ready(value, child->spec->userdata);
	if (!is_first || supervise->is_stopping)
		return;
	if (next < supervise->config.n_children) {
		if (start_child(&supervise->children[next]) < 0)
			fail(supervise);
	} else if (supervise->config.all_ready) {
		supervise->config.all_ready(supervise->config.userdata);
	}
}

/* Takes what the child told, if it did. */
static void read_ready(struct running_child *child)
{
	uint32_t value;
	ssize_t n;

	if (child->ready_fd < 0)
		return;
	n = read(child->ready_fd, &value, sizeof(value));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	child->ready_source = sd_event_source_disable_unref(child->ready_source);
	close(child->ready_fd);
	child->ready_fd = -1;
	/* A write of 4 bytes into a pipe is never split. */
	if (n == sizeof(value))
		child_got_ready(child, value);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	read_ready(userdata);
	return 0;
}

static void forget_process(struct running_child *child)
{
	child->pid = 0;
	child->exit_source = sd_event_source_disable_unref(child->exit_source);
	child->ready_source = sd_event_source_disable_unref(child->ready_source);
	if (child->ready_fd >= 0)
		close(child->ready_fd);
	child->ready_fd = -1;
}

static void restart_later(struct running_child *child, int wait_status)
{
	const struct supervise_config *config = &child->supervise->config;
	uint64_t lived_ms = (now_us(child->supervise) - child->started_us) / US_PER_MS;

	if (child->delay_ms == 0 || lived_ms > config->backoff_max_ms)
		child->delay_ms = config->backoff_min_ms;
	else if (child->delay_ms * 2 < config->backoff_max_ms)
		child->delay_ms *= 2;
	else
		child->delay_ms = config->backoff_max_ms;
	if (config->died)
		config->died(child->spec->name, wait_status, child->delay_ms, config->userdata);
	if (arm_timer(child, child->delay_ms, on_restart) < 0)
		fail(child->supervise);
}

static void fail_at_start(struct running_child *child, int wait_status)
{
	const struct supervise_config *config = &child->supervise->config;

	if (config->died)
		config->died(child->spec->name, wait_status, 0, config->userdata);
	fail(child->supervise);
}

static int on_exit_of_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct running_child *child = userdata;
	struct supervise *supervise = child->supervise;
	int wait_status = info->si_code == CLD_EXITED ? W_EXITCODE(info->si_status, 0)
						      : W_EXITCODE(0, info->si_status);

	if (info->si_code == CLD_DUMPED)
		wait_status |= WCOREFLAG;
	(void)source;
	read_ready(child);
	forget_process(child);
	if (supervise->is_stopping)
		stop_last_child(supervise);
	else if (child->was_ready)
		restart_later(child, wait_status);
	else
		fail_at_start(child, wait_status);
	return 0;
}

static _Noreturn void run_child(const struct supervise_child *spec, int ready_fd, pid_t parent)
{
	sigset_t blocked;

	/*
	 * SIGKILL, because a supervisor that was killed must be survivable the same way
	 * as a killed child: the pins keep what the kernel counted, spool and store keep
	 * the rest. The check closes the race with a parent that is gone already.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		exit(EXIT_FAILURE);
	/* Out of reach of Ctrl-C: the order of stopping is the supervisor's business. */
	setsid();
	prctl(PR_SET_NAME, spec->name);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	exit(spec->run(ready_fd, spec->userdata));
}

static int watch_child(struct running_child *child)
{
	sd_event *event = child->supervise->event;
	int r = sd_event_add_child(event, &child->exit_source, child->pid, WEXITED,
				   on_exit_of_child, child);

	if (r < 0)
		return r;
	return sd_event_add_io(event, &child->ready_source, child->ready_fd, EPOLLIN, on_ready,
			       child);
}

static int start_child(struct running_child *child)
{
	_cleanup_close_ int read_fd = -1, write_fd = -1;
	pid_t parent = getpid(), pid;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	read_fd = fds[0];
	write_fd = fds[1];
	/* What is buffered must not be written twice. */
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(read_fd);
		run_child(child->spec, write_fd, parent);
	}
	child->pid = pid;
	child->ready_fd = TAKE_FD(read_fd);
	child->started_us = now_us(child->supervise);
	r = watch_child(child);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		forget_process(child);
	}
	return r;
}

int supervise_new(sd_event *event, const struct supervise_config *config,
		  struct supervise **ret_supervise)
{
	_cleanup_(supervise_freep) struct supervise *supervise = NULL;
	int r;

	if (config->n_children == 0 || config->n_children > SUPERVISE_CHILDREN_MAX)
		return -EINVAL;
	supervise = calloc(1, sizeof(*supervise));
	if (!supervise)
		return -ENOMEM;
	supervise->event = sd_event_ref(event);
	supervise->config = *config;
	if (supervise->config.backoff_min_ms == 0)
		supervise->config.backoff_min_ms = 100;
	if (supervise->config.backoff_max_ms == 0)
		supervise->config.backoff_max_ms = 10000;
	for (size_t i = 0; i < config->n_children; i++) {
		supervise->children[i].supervise = supervise;
		supervise->children[i].spec = &config->children[i];
		supervise->children[i].ready_fd = -1;
	}
	r = start_child(&supervise->children[0]);
	if (r < 0)
		return r;
	*ret_supervise = TAKE(supervise);
	return 0;
}

void supervise_stop(struct supervise *supervise)
{
	if (!supervise->is_stopping) {
		supervise->is_stopping = true;
		stop_last_child(supervise);
		return;
	}
	for (size_t i = 0; i < supervise->config.n_children; i++)
		if (supervise->children[i].pid > 0)
			kill(supervise->children[i].pid, SIGKILL);
}

void supervise_free(struct supervise *supervise)
{
	for (size_t i = 0; i < supervise->config.n_children; i++) {
		struct running_child *child = &supervise->children[i];
		pid_t pid = child->pid;

		child->timer = sd_event_source_disable_unref(child->timer);
		forget_process(child);
		if (pid > 0) {
			kill(pid, SIGKILL);
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
	}
	sd_event_unref(supervise->event);
	free(supervise);
}

pid_t supervise_child_pid(const struct supervise *supervise, size_t child)
{
	return child < supervise->config.n_children ? supervise->children[child].pid : 0;
}

int supervise_tell_ready(int ready_fd, uint32_t value)
{
	ssize_t n = write(ready_fd, &value, sizeof(value));
	int r = n == sizeof(value) ? 0 : n < 0 ? -errno : -EIO;

	close(ready_fd);
	return r;
}
