/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/kernel_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/flow_list.h"
#include "kernel/kernel_files.h"
#include "kernel/kernel_hooks.h"
#include "kernel/kernel_records.h"
#include "policy/policy.h"

#define SOURCE_BYTES (1 << 20)

struct kernel_fixture {
	char folder[64], export[96], source[128], actor[128], pin_dir[96], policy_path[96];
	struct kernel_options options;
	bool has_options;
	bool has_own_hooks; /* not as those that any story can go on with */
	sd_event *loop;
	struct policy *policy;
	struct sensor *sensor;
	struct flow_list list;
	char host[256];
	enum sensor_host_source host_source;
	uint64_t n_paths[4];
	struct kernel_records records;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "kernel fixture: %s: %s\n", what, strerror(error));
	exit(1);
}

static void on_flow(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app)
{
	struct kernel_fixture *fixture = userdata;

	(void)app;
	if (flow->host_source != SENSOR_HOST_NONE)
		snprintf(fixture->host, sizeof(fixture->host), "%s", flow->host);
	fixture->host_source |= flow->host_source; /* of one flow at most */
	if (flow_list_put(&fixture->list, flow) < 0)
		die("cannot keep a flow", ENOSPC);
}

static void on_records(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app,
		       const struct sensor_records *records)
{
	struct kernel_fixture *fixture = userdata;

	(void)app;
	kernel_records_put(&fixture->records, flow, records);
}

static void on_path(void *userdata, const struct sensor_path *path, const struct sensor_app *app)
{
	struct kernel_fixture *fixture = userdata;

	(void)app;
	fixture->n_paths[path->operation & 3]++;
}

static void write_policy(struct kernel_fixture *fixture, const char *before, const char *class)
{
	struct policy_problems problems = {};
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "%s[class \"%s\"]\ngrade = C3\ncategory = other\n"
			 "[crm \"crm\"]\nhost = 127.0.0.1\nport = 18443\nclass = %s\n"
			 "[export \"exports\"]\nfolder = %s\nclass = %s\n"
			 "[sink \"chat\"]\nhost = 127.0.0.2\nkind = web\norigin = no\n",
			 before, class, class, fixture->export, class);

	kernel_files_write(fixture->policy_path, text, (size_t)n, 0600);
	if (policy_load(fixture->policy_path, &fixture->policy, &problems) < 0) {
		policy_problems_print(&problems, stderr);
		die("policy", EINVAL);
	}
}

void kernel_fixture_restart_sensor(struct kernel_fixture *fixture)
{
	const struct sensor_config config = {.pin_dir = fixture->pin_dir,
					     .ring_bytes = fixture->options.ring_bytes,
					     .max_hops = fixture->options.max_hops,
					     .arguments_min_bytes = 512,
					     .flows_max = fixture->options.flows_max,
					     .objects_max = fixture->options.objects_max,
					     .use_perf = fixture->options.use_perf};
	const struct sensor_handler handler = {
		.flow = on_flow, .path = on_path, .records = on_records, .userdata = fixture};
	char *reason = NULL;
	int r = sd_event_new(&fixture->loop)
			?: sensor_new(fixture->loop, &config, fixture->policy, &handler,
				      &fixture->sensor, &reason);

	if (r < 0)
		die(reason ? reason : "sensor", -r);
	if (kernel_fixture_start_info(fixture).takeover == SENSOR_RESUMED)
		fixture->has_own_hooks = fixture->has_options;
}

/* Of the name that the pins have. */
static void make_folder(struct kernel_fixture *fixture, bool is_left)
{
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/%s",
		 is_left ? strrchr(fixture->pin_dir, '/') + 1 : "weir-kernel-XXXXXX");
	if (is_left ? mkdir(fixture->folder, 0700) < 0 : !mkdtemp(fixture->folder))
		die(fixture->folder, errno);
	snprintf(fixture->pin_dir, sizeof(fixture->pin_dir), "/sys/fs/bpf/%s", fixture->folder + 5);
}

struct kernel_fixture *kernel_fixture_start(const struct kernel_options *options)
{
	struct kernel_fixture *fixture = calloc(1, sizeof(*fixture));
	bool is_left;

	if (!fixture || flow_list_start(&fixture->list) < 0)
		die("start", ENOMEM);
	fixture->options = options ? *options : (struct kernel_options){};
	fixture->has_options = fixture->has_own_hooks = options;
	is_left = !options && kernel_hooks_take(fixture->pin_dir, sizeof(fixture->pin_dir));
	make_folder(fixture, is_left);
	snprintf(fixture->export, sizeof(fixture->export), "%s/export", fixture->folder);
	snprintf(fixture->source, sizeof(fixture->source), "%s/source.csv", fixture->export);
	snprintf(fixture->actor, sizeof(fixture->actor), "%s/actor", fixture->folder);
	snprintf(fixture->policy_path, sizeof(fixture->policy_path), "%s/policy.conf",
		 fixture->folder);
	if (mkdir(fixture->export, 0755) < 0)
		die(fixture->export, errno);
	kernel_files_copy_self(fixture->actor);
	kernel_files_write_letters(fixture->source, SOURCE_BYTES);
	write_policy(fixture, "", "customer");
	kernel_fixture_restart_sensor(fixture);
	if (is_left && kernel_fixture_start_info(fixture).takeover != SENSOR_RESUMED)
		die("the hooks of the last story are not its own", EINVAL);
	return fixture;
}

void kernel_fixture_stop(struct kernel_fixture *fixture)
{
	if (fixture->has_own_hooks)
		sensor_unpin(fixture->pin_dir);
	sensor_free(fixture->sensor);
	if (!fixture->has_own_hooks)
		kernel_hooks_leave(fixture->pin_dir);
	policy_free(fixture->policy);
	sd_event_unref(fixture->loop);
	kernel_files_remove(fixture->folder);
	flow_list_end(&fixture->list);
	free(fixture);
}

void kernel_fixture_kill_sensor(struct kernel_fixture *fixture)
{
	fixture->has_own_hooks = true;
	sensor_mark_seen(fixture->sensor, 1);
	sensor_free(fixture->sensor);
	fixture->sensor = NULL;
	/* Of its process only: who restarts in a child has a loop of his own. */
	fixture->loop = sd_event_unref(fixture->loop);
}

void kernel_fixture_remove_sensor(struct kernel_fixture *fixture)
{
	kernel_fixture_kill_sensor(fixture);
	sensor_unpin(fixture->pin_dir);
}

void kernel_fixture_change_policy(struct kernel_fixture *fixture, const char *before,
				  const char *class)
{
	policy_free(fixture->policy);
	fixture->policy = NULL;
	write_policy(fixture, before, class);
}

uint64_t kernel_fixture_label(struct kernel_fixture *fixture, const char *class)
{
	const struct policy_class *found = policy_class_by_name(fixture->policy, class);

	if (!found)
		die(class, ENOENT);
	return UINT64_C(1) << found->index;
}

const struct sensor_flow *kernel_fixture_flows(struct kernel_fixture *fixture, size_t *ret_n)
{
	if (sensor_sweep(fixture->sensor) < 0)
		die("sweep", EIO);
	*ret_n = fixture->list.n_flows;
	return fixture->list.flows;
}

const char *kernel_fixture_host(struct kernel_fixture *fixture, enum sensor_host_source *ret_source)
{
	size_t n;

	kernel_fixture_flows(fixture, &n);
	*ret_source = fixture->host_source;
	return fixture->host;
}

bool kernel_fixture_is_of_class(struct kernel_fixture *fixture, const char *name, const char *class)
{
	uint64_t wanted = kernel_fixture_label(fixture, class);
	uint64_t ino = kernel_fixture_ino(fixture, name), labels = 0;

	if (sensor_sweep(fixture->sensor) < 0)
		die("sweep", EIO);
	for (size_t i = 0; i < fixture->list.n_flows; i++)
		if (fixture->list.flows[i].is_out && fixture->list.flows[i].object.ino == ino)
			labels |= fixture->list.flows[i].labels;
	return labels & wanted;
}

const char *kernel_fixture_folder(const struct kernel_fixture *fixture)
{
	return fixture->folder;
}

const char *kernel_fixture_source(const struct kernel_fixture *fixture)
{
	return fixture->source;
}

struct sensor *kernel_fixture_sensor(struct kernel_fixture *fixture)
{
	return fixture->sensor;
}

struct sensor_start kernel_fixture_start_info(struct kernel_fixture *fixture)
{
	struct sensor_start start;

	sensor_describe_start(fixture->sensor, &start);
	return start;
}

static pid_t spawn(const char *program, char *const arguments[], int *ret_output_fd)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe", errno);
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execv(program, arguments);
		_exit(127);
	}
	close(ends[1]);
	*ret_output_fd = ends[0];
	return pid;
}

void kernel_fixture_add_actor(struct kernel_fixture *fixture, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	kernel_files_copy_self(path);
}

pid_t kernel_fixture_spawn(struct kernel_fixture *fixture, char *const arguments[],
			   int *ret_output_fd)
{
	return spawn(fixture->actor, arguments, ret_output_fd);
}

pid_t kernel_fixture_spawn_shell(struct kernel_fixture *fixture, const char *script,
				 int *ret_output_fd)
{
	char *arguments[] = {"sh", "-ec", (char *)script, NULL};

	setenv("SRC", fixture->source, 1);
	setenv("DIR", fixture->folder, 1);
	return spawn("/bin/sh", arguments, ret_output_fd);
}

void kernel_fixture_shell(struct kernel_fixture *fixture, const char *script)
{
	char text[4096];
	int output;
	pid_t pid = kernel_fixture_spawn_shell(fixture, script, &output);

	kernel_fixture_wait(pid, output, text, sizeof(text));
}

uint64_t kernel_fixture_ino(struct kernel_fixture *fixture, const char *name)
{
	struct stat info;
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	if (stat(path, &info) < 0)
		die(path, errno);
	return info.st_ino;
}

uint64_t kernel_fixture_written(struct kernel_fixture *fixture, const char *name)
{
	return kernel_fixture_sum(fixture, true, kernel_fixture_ino(fixture, name), 0).bytes;
}

void kernel_fixture_wait(pid_t pid, int output_fd, char *ret_text, size_t size)
{
	size_t used = 0;
	ssize_t n;
	int status;

	while (used + 1 < size && (n = read(output_fd, ret_text + used, size - used - 1)) > 0)
		used += (size_t)n;
	ret_text[used] = '\0';
	close(output_fd);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(used ? ret_text : "the actor failed", ECHILD);
}

static struct kernel_totals sum(struct kernel_fixture *fixture, bool is_out, uint64_t ino,
				uint32_t dev, uint16_t port)
{
	struct kernel_totals totals = {};

	if (sensor_sweep(fixture->sensor) < 0)
		die("sweep", EIO);
	for (size_t i = 0; i < fixture->list.n_flows; i++) {
		const struct sensor_flow *flow = &fixture->list.flows[i];

		if (flow->is_out != is_out || (ino && flow->object.ino != ino) ||
		    (dev && flow->object.dev != dev) || (port && flow->port != port))
			continue;
		totals.bytes += flow->bytes;
		totals.calls += flow->calls;
		totals.turns += flow->turns;
		totals.flows++;
	}
	return totals;
}

struct kernel_totals kernel_fixture_sum(struct kernel_fixture *fixture, bool is_out, uint64_t ino,
					uint16_t port)
{
	return sum(fixture, is_out, ino, 0, port);
}

uint64_t kernel_fixture_bytes(struct kernel_fixture *fixture, bool is_out,
			      const struct kernel_inode *inode)
{
	return sum(fixture, is_out, inode->ino, major(inode->dev) << 20 | minor(inode->dev), 0)
		.bytes;
}

const struct kernel_records *kernel_fixture_records(struct kernel_fixture *fixture)
{
	if (sensor_sweep(fixture->sensor) < 0)
		die("sweep", EIO);
	return &fixture->records;
}

void kernel_fixture_drop_records(struct kernel_fixture *fixture)
{
	fixture->records = (struct kernel_records){};
}

uint64_t kernel_fixture_count_flows(struct kernel_fixture *fixture)
{
	if (sensor_sweep(fixture->sensor) < 0)
		die("sweep", EIO);
	return fixture->list.n_flows;
}

struct sensor_counts kernel_fixture_counts(struct kernel_fixture *fixture)
{
	struct sensor_counts counts;

	sensor_count(fixture->sensor, &counts);
	return counts;
}

uint64_t kernel_fixture_count_paths(struct kernel_fixture *fixture,
				    enum sensor_path_operation operation)
{
	sd_event_run(fixture->loop, 0);
	if (sensor_sweep(fixture->sensor) < 0)
		die("sweep", EIO);
	return fixture->n_paths[operation & 3];
}
