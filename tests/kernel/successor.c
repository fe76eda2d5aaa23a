/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/successor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/policy.h"

#define SWEEP_MS 20
#define FLOWS_MAX 4096
#define START_FORMAT "%d %" SCNu64 " %d"

static void die(const char *what, int error)
{
	fprintf(stderr, "successor: %s: %s\n", what, strerror(error));
	exit(1);
}

/* ---- the test's side -------------------------------------------------------- */

void successor_start(struct successor *successor, const char *build, const char *folder,
		     bool use_perf)
{
	char own[256] = "", path[384];
	int out[2], in[2];

	if (readlink("/proc/self/exe", own, sizeof(own) - 1) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(in, O_CLOEXEC) < 0)
		die("start", errno);
	snprintf(path, sizeof(path), "%s/successors/%s", dirname(own), build);
	successor->pid = fork();
	if (successor->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(path, path, "successor", folder, use_perf ? "perf" : "any", NULL);
		die(path, errno);
	}
	close(out[1]);
	close(in[0]);
	successor->output = fdopen(out[0], "r");
	successor->orders = fdopen(in[1], "w");
	if (successor->pid < 0 || !successor->output || !successor->orders)
		die("fork", errno);
}

struct sensor_start successor_wait(struct successor *successor)
{
	struct sensor_start start = {};
	int takeover, is_resumed;

	if (fscanf(successor->output, "up " START_FORMAT, &takeover, &start.agent_seen_ns,
		   &is_resumed) != 3)
		die("it did not come up", ECHILD);
	start.takeover = (enum sensor_takeover)takeover;
	start.is_resumed = is_resumed;
	return start;
}

uint64_t successor_bytes(struct successor *successor, bool is_out, uint64_t ino)
{
	uint64_t bytes;

	fprintf(successor->orders, "%d %" PRIu64 "\n", is_out, ino);
	fflush(successor->orders);
	if (fscanf(successor->output, "%" SCNu64, &bytes) != 1)
		die("it does not answer", ECHILD);
	return bytes;
}

void successor_read_and_write(struct successor *successor)
{
	(void)successor_bytes(successor, false, 0);
}

void successor_kill(struct successor *successor)
{
	int status;

	if (kill(successor->pid, SIGKILL) < 0 ||
	    waitpid(successor->pid, &status, 0) != successor->pid)
		die("kill", errno);
	fclose(successor->output);
	fclose(successor->orders);
	if (!WIFSIGNALED(status))
		die("it had ended", ECHILD);
}

/* ---- its own side ----------------------------------------------------------- */

struct record {
	struct sensor_flow *flows; /* latest totals */
	size_t n_flows;
};

static void on_flow(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app)
{
	struct record *record = userdata;

	(void)app;
	for (size_t i = 0; i < record->n_flows; i++) {
		struct sensor_flow *known = &record->flows[i];

		if (known->app_id == flow->app_id && known->is_out == flow->is_out &&
		    known->object.ino == flow->object.ino &&
		    known->object.dev == flow->object.dev && known->first_ns == flow->first_ns) {
			*known = *flow;
			return;
		}
	}
	if (record->n_flows < FLOWS_MAX)
		record->flows[record->n_flows++] = *flow;
}

static void on_path(void *userdata, const struct sensor_path *path, const struct sensor_app *app)
{
	(void)userdata;
	(void)path;
	(void)app;
}

static struct sensor *take_over(const char *folder, bool use_perf, struct record *record)
{
	const struct sensor_handler handler = {
		.flow = on_flow, .path = on_path, .userdata = record};
	struct sensor_config config = {.arguments_min_bytes = 512, .use_perf = use_perf};
	struct policy_problems problems = {};
	struct policy *policy;
	struct sensor *sensor;
	char *pin_dir = NULL, *policy_path = NULL, *reason = NULL;
	sd_event *loop;

	if (asprintf(&pin_dir, "/sys/fs/bpf/%s", strrchr(folder, '/') + 1) < 0 ||
	    asprintf(&policy_path, "%s/policy.conf", folder) < 0 || sd_event_new(&loop) < 0)
		die("start", ENOMEM);
	if (policy_load(policy_path, &policy, &problems) < 0)
		die(policy_path, EINVAL);
	config.pin_dir = pin_dir;
	if (sensor_new(loop, &config, policy, &handler, &sensor, &reason) < 0)
		die(reason ? reason : "sensor", EIO);
	return sensor;
}

static uint64_t sum(const struct record *record, bool is_out, uint64_t ino)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < record->n_flows; i++)
		if (record->flows[i].is_out == is_out && record->flows[i].object.ino == ino)
			bytes += record->flows[i].bytes;
	return bytes;
}

/* As an agent does that hashes executables and keeps a spool. */
static void read_and_write(const char *folder)
{
	char path[128], buffer[512];
	FILE *from, *to;
	size_t n;

	snprintf(path, sizeof(path), "%s/export/source.csv", folder);
	from = fopen(path, "re");
	snprintf(path, sizeof(path), "%s/" SUCCESSOR_WRITES, folder);
	to = fopen(path, "we");
	if (!from || !to)
		die(path, errno);
	n = fread(buffer, 1, sizeof(buffer), from);
	if (n == 0 || fwrite(buffer, 1, n, to) != n || fclose(to) != 0)
		die(path, EIO);
	fclose(from);
}

int successor_main(char **argv)
{
	struct record record = {.flows = calloc(FLOWS_MAX, sizeof(*record.flows))};
	struct pollfd orders = {.fd = STDIN_FILENO, .events = POLLIN};
	struct sensor *sensor = take_over(argv[2], strcmp(argv[3], "perf") == 0, &record);
	struct sensor_start start;
	uint64_t ino;
	int is_out;

	sensor_describe_start(sensor, &start);
	printf("up %d %" PRIu64 " %d\n", (int)start.takeover, start.agent_seen_ns,
	       start.is_resumed);
	fflush(stdout);
	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		int ready = poll(&orders, 1, SWEEP_MS);

		(void)sensor_sweep(sensor);
		if (ready <= 0)
			continue;
		if (scanf("%d %" SCNu64, &is_out, &ino) != 2)
			return 0; /* the test has ended */
		if (ino == 0)
			read_and_write(argv[2]);
		printf("%" PRIu64 "\n", sum(&record, is_out, ino));
		fflush(stdout);
	}
}
