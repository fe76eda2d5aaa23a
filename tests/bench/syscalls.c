/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sensor costs an app that has nothing to do with customer data, per
 * system call and in the caller's own processor time. Every round visits all
 * states, and compares each with the time without sensor before and after it,
 * so that a machine that changes speed changes both sides of a ratio.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/kernel_fixture.h"
#include "support/syscall_work.h"
#include "support/tracing.h"

#define SECONDS_DEFAULT 60
#define ROUNDS_MAX 500
#define SETTLE_SECONDS 30
#define LINKS_OF_ONE_SENSOR 2 /* entry and exit */

enum state {
	STATE_NONE,
	STATE_EMPTY,
	STATE_IDLE,
	STATE_HOT,
	STATE_PIPE,
	STATE_NONE_AGAIN,
	STATES,
};

static const char *const state_titles[STATES] = {
	[STATE_EMPTY] = "empty programs",
	[STATE_IDLE] = "sensor, idle",
	[STATE_HOT] = "another app labelled",
	[STATE_PIPE] = "and its pipe, too",
};

static const char how_to_read[] =
	"How to read: ns are the caller's processor time, user and kernel, for one row (both\n"
	"calls where it names two). +ns and ratio are medians over rounds, against no sensor just\n"
	"before and after; ± is half the width of the middle half. \"Empty programs\" is what any\n"
	"two BPF programs on these tracepoints cost, the rest is Weir's. The measured app is\n"
	"unlabelled in all columns; in the last, labelled data lies in a pipe, so that Weir looks\n"
	"at the calls of all apps.\n";

struct round {
	double ns[STATES][SYSCALL_WORKS];
	uint64_t idle_edges, idle_flows;
};

struct bench {
	struct kernel_fixture *fixture;
	int worker_control, worker_output;
	struct round rounds[ROUNDS_MAX];
	size_t n_rounds, n_disturbed;
	const char *attach_mode;
};

struct child {
	pid_t pid;
	int control, output;
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Signals are blocked and asked for between states: a sensor must not stay attached behind us. */
static bool is_interrupted(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

/* A copy of this executable, which the sensor takes for any app, that lives until its control
 * descriptor is closed. */
static int start_child(struct kernel_fixture *fixture, char *role, char *what,
		       struct child *ret_child)
{
	char number[16];
	char *arguments[] = {"syscalls", role, number, what, NULL};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", ends[0]);
	ret_child->pid = kernel_fixture_spawn(fixture, arguments, &ret_child->output);
	ret_child->control = ends[1];
	close(ends[0]);
	return 0;
}

static void stop_child(struct child *child)
{
	char text[64];

	close(child->control);
	kernel_fixture_wait(child->pid, child->output, text, sizeof(text));
}

/* The other app: reads customer data and, if asked to, leaves some of it in a pipe. */
static int hold_label(int control_fd, const char *source, bool has_pipe)
{
	int fd = open(source, O_RDONLY | O_CLOEXEC), ends[2];
	char buffer[4096];

	if (fd < 0 || read(fd, buffer, sizeof(buffer)) <= 0)
		return 1;
	if (has_pipe && (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], buffer, 64) != 64))
		return 1;
	return read(control_fd, buffer, 1) == 0 ? 0 : 1;
}

static int wait_for_links(int wanted)
{
	double end = now_seconds() + SETTLE_SECONDS;

	/* The kernel takes programs off some time after their last pin is gone. */
	while (tracing_count_links() != wanted) {
		if (is_interrupted())
			return -EINTR;
		if (now_seconds() > end)
			return -EBUSY;
		usleep(50000);
	}
	usleep(50000);
	return 0;
}

/* 0, 1 when another sensor was there, or -errno. */
static int measure(struct bench *bench, struct round *round, enum state state)
{
	int links = state == STATE_NONE || state == STATE_NONE_AGAIN ? 0 : LINKS_OF_ONE_SENSOR;
	const size_t size = sizeof(round->ns[state]);

	if (is_interrupted())
		return -EINTR;
	if (tracing_count_links() != links)
		return 1;
	if (write(bench->worker_control, "m", 1) != 1 ||
	    read(bench->worker_output, round->ns[state], size) != (ssize_t)size)
		return -ECHILD;
	return tracing_count_links() != links;
}

static int measure_empty(struct bench *bench, struct round *round)
{
	int fds[2];
	int r = tracing_attach_empty(fds);

	if (r < 0)
		return r;
	r = measure(bench, round, STATE_EMPTY);
	close(fds[0]);
	close(fds[1]);
	return r;
}

static int measure_idle(struct bench *bench, struct round *round)
{
	uint64_t edges = kernel_fixture_counts(bench->fixture).edges_rung;
	uint64_t flows = kernel_fixture_count_flows(bench->fixture);
	int r;

	if (!sensor_is_idle(kernel_fixture_sensor(bench->fixture)))
		return 1;
	r = measure(bench, round, STATE_IDLE);
	round->idle_edges = kernel_fixture_counts(bench->fixture).edges_rung - edges;
	round->idle_flows = kernel_fixture_count_flows(bench->fixture) - flows;
	return r;
}

static int measure_labelled(struct bench *bench, struct round *round, enum state state)
{
	struct sensor *sensor = kernel_fixture_sensor(bench->fixture);
	bool has_pipe = state == STATE_PIPE;
	double end = now_seconds() + SETTLE_SECONDS;
	struct child holder;
	int r = start_child(bench->fixture, has_pipe ? "hold-pipe" : "hold",
			    (char *)kernel_fixture_source(bench->fixture), &holder);

	if (r < 0)
		return r;
	while (kernel_fixture_counts(bench->fixture).hot_apps == 0 ||
	       sensor_has_volatiles(sensor) != has_pipe) {
		if (now_seconds() > end) {
			stop_child(&holder);
			return -ETIME;
		}
		usleep(10000);
	}
	usleep(50000);
	r = measure(bench, round, state);
	stop_child(&holder);
	return r;
}

static int measure_sensor(struct bench *bench, struct round *round)
{
	int r = measure_idle(bench, round);

	if (r == 0)
		r = measure_labelled(bench, round, STATE_HOT);
	if (r == 0)
		r = measure_labelled(bench, round, STATE_PIPE);
	return r;
}

static int run_round(struct bench *bench, struct round *round)
{
	int r = wait_for_links(0);

	if (r == 0)
		r = measure(bench, round, STATE_NONE);
	if (r == 0)
		r = measure_empty(bench, round);
	if (r == 0)
		r = wait_for_links(0);
	if (r != 0)
		return r;
	kernel_fixture_restart_sensor(bench->fixture);
	bench->attach_mode = kernel_fixture_start_info(bench->fixture).attach_mode;
	usleep(50000);
	r = measure_sensor(bench, round);
	kernel_fixture_remove_sensor(bench->fixture);
	if (r == 0)
		r = wait_for_links(0);
	return r == 0 ? measure(bench, round, STATE_NONE_AGAIN) : r;
}

static int run_rounds(struct bench *bench, double seconds)
{
	double end = now_seconds() + seconds;

	while (bench->n_rounds < ROUNDS_MAX && now_seconds() < end) {
		int r = run_round(bench, &bench->rounds[bench->n_rounds]);

		if (r == -EBUSY)
			break;
		if (r < 0)
			return r;
		if (r == 0)
			bench->n_rounds++;
		else
			bench->n_disturbed++;
	}
	return bench->n_rounds ? 0 : -EBUSY;
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double at_share(const double *sorted, size_t n, double share)
{
	double place = share * (double)(n - 1);
	size_t below = (size_t)place;
	double next = below + 1 < n ? sorted[below + 1] : sorted[below];

	return sorted[below] + (next - sorted[below]) * (place - (double)below);
}

static double without_sensor(const struct round *round, int work)
{
	return (round->ns[STATE_NONE][work] + round->ns[STATE_NONE_AGAIN][work]) / 2;
}

static void print_cell(const struct bench *bench, int work, int state)
{
	double added[ROUNDS_MAX], ratio[ROUNDS_MAX];
	size_t n = bench->n_rounds;

	for (size_t i = 0; i < n; i++) {
		double none = without_sensor(&bench->rounds[i], work);

		added[i] = bench->rounds[i].ns[state][work] - none;
		ratio[i] = bench->rounds[i].ns[state][work] / none;
	}
	qsort(added, n, sizeof(double), compare);
	qsort(ratio, n, sizeof(double), compare);
	printf(" | %+7.1f ±%5.1f  x%5.3f", at_share(added, n, 0.5),
	       (at_share(added, n, 0.75) - at_share(added, n, 0.25)) / 2, at_share(ratio, n, 0.5));
}

static void print_row(const struct bench *bench, int work)
{
	double none[ROUNDS_MAX];

	for (size_t i = 0; i < bench->n_rounds; i++)
		none[i] = without_sensor(&bench->rounds[i], work);
	qsort(none, bench->n_rounds, sizeof(double), compare);
	printf("%-22s %9.1f", syscall_work_describe((enum syscall_work)work),
	       at_share(none, bench->n_rounds, 0.5));
	for (int state = STATE_EMPTY; state <= STATE_PIPE; state++)
		print_cell(bench, work, state);
	printf("\n");
}

static void print_table(const struct bench *bench)
{
	uint64_t edges = 0, flows = 0;
	struct utsname kernel;

	for (size_t i = 0; i < bench->n_rounds; i++) {
		edges += bench->rounds[i].idle_edges;
		flows += bench->rounds[i].idle_flows;
	}
	uname(&kernel);
	printf("kernel %s %s, %ld processors, attached as %s; %zu rounds "
	       "(%zu more left out: another sensor was there)\n\n",
	       kernel.release, kernel.machine, sysconf(_SC_NPROCESSORS_ONLN), bench->attach_mode,
	       bench->n_rounds, bench->n_disturbed);
	printf("%-22s %9s", "", "no sensor");
	for (int state = STATE_EMPTY; state <= STATE_PIPE; state++)
		printf(" | %-23s", state_titles[state]);
	printf("\n%-22s %9s", "call", "ns");
	for (int state = STATE_EMPTY; state <= STATE_PIPE; state++)
		printf(" | %7s %6s  %6s", "+ns", "±", "ratio");
	printf("\n");
	for (int work = 0; work < SYSCALL_WORKS; work++)
		print_row(bench, work);
	printf("\nsensor, idle: %llu flows and %llu edges in all rounds\n",
	       (unsigned long long)flows, (unsigned long long)edges);
	printf("%s", how_to_read);
}

static int run(struct bench *bench, double seconds)
{
	struct child worker;
	char file[192];
	int r;

	bench->fixture = kernel_fixture_start(NULL);
	kernel_fixture_remove_sensor(bench->fixture);
	snprintf(file, sizeof(file), "%s/page", kernel_fixture_folder(bench->fixture));
	r = start_child(bench->fixture, "work", file, &worker);
	if (r == 0) {
		bench->worker_control = worker.control;
		bench->worker_output = worker.output;
		r = run_rounds(bench, seconds);
		stop_child(&worker);
	}
	kernel_fixture_stop(bench->fixture);
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_free_ struct bench *bench = NULL;
	double seconds = argc == 2 ? strtod(argv[1], NULL) : SECONDS_DEFAULT;
	sigset_t signals;
	int r;

	if (argc == 4 && !strcmp(argv[1], "work"))
		return syscall_work_serve(atoi(argv[2]), argv[3]);
	if (argc == 4)
		return hold_label(atoi(argv[2]), argv[3], !strcmp(argv[1], "hold-pipe"));
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	bench = calloc(1, sizeof(*bench));
	r = bench ? run(bench, seconds) : -ENOMEM;
	if (r < 0) {
		fprintf(stderr, "syscalls: %s\n",
			r == -EBUSY ? "another sensor watches this machine: stop it and try again"
				    : strerror(-r));
		return 1;
	}
	print_table(bench);
	return 0;
}
