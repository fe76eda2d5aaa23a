/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Processes, descriptors and inodes that come and go by the thousand and get each other's
 * numbers: the tables hold who lives and nobody else, and a number hands on no label.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/life.h"
#include "kernel/perf_links.h"

#define SWARMS 2
#define SWARM_PROCESSES "50000" /* unless WEIR_SWARM_PROCESSES says otherwise */
#define EXEC_EVERY 50
#define PID_ROUNDS 100
#define INODE_ROUNDS 500

enum {
	WORKER, /* puppets */
	OTHER,
	THIRD,
};

/* ---- short processes ---- */

/* Runs as "swarm PROCESSES PLAIN-FILE": children that read and write what is nobody's secret. */
static int swarm_main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[2]) : 0, fd = open(argv[3], O_RDWR | O_CLOEXEC);
	char byte = 'x';

	for (int i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (pid < 0)
			return 1;
		if (pid == 0 && i % EXEC_EVERY == 0)
			execl("/bin/true", "true", (char *)NULL);
		if (pid == 0)
			_exit(pwrite(fd, &byte, 1, 0) == 1 ? 0 : 1);
		if (waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return 0;
}

static bool is_running(pid_t pid, bool *ret_succeeded)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) == 0)
		return true;
	*ret_succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return false;
}

/* Moves data from the source to the worker's file; what the calls returned. */
static uint64_t work(struct life *life, long source, long target)
{
	long data = (long)life->stage->puppets[WORKER].data;
	long n = LIFE_CALL(life, WORKER, SYS_pread64, source, data, 4000, 0);

	assert_int_equal(n, 4000);
	n = LIFE_CALL(life, WORKER, SYS_pwrite64, target, data, 1000, 0);
	assert_int_equal(n, 1000);
	return (uint64_t)n;
}

/* As the agent does: what the kernel skipped it counts, and a walk makes up for it. */
static void mend_what_was_missed(const struct life *life)
{
	struct sensor *sensor = kernel_fixture_sensor(life->fixture);
	struct sensor_counts counts;

	sensor_count(sensor, &counts);
	if (!counts.losses.programs_missed)
		return;
	printf("# the kernel skipped %llu runs of programs\n",
	       (unsigned long long)counts.losses.programs_missed);
	assert_int_equal(sensor_mend(sensor), 0);
}

static void short_processes_leave_nothing_behind_and_get_no_label(void **state)
{
	struct life *life = *state;
	char plain[PUPPET_PATH_BYTES];
	char *wanted = getenv("WEIR_SWARM_PROCESSES");
	char *arguments[] = {"swarm", "swarm", wanted ?: SWARM_PROCESSES, plain, NULL};
	int outputs[SWARMS], running = SWARMS;
	pid_t swarms[SWARMS];
	uint64_t written = 0, swarm_app = 0;
	struct weir_app app;
	long source, target;

	puppet_start(life->stage, WORKER, life->executables[0]);
	source = life_open_source(life, WORKER);
	target = life_open_plain(life, WORKER, "copy");
	snprintf(plain, sizeof(plain), "%s/plain", kernel_fixture_folder(life->fixture));
	close(open(plain, O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	for (int i = 0; i < SWARMS; i++)
		swarms[i] = kernel_fixture_spawn(life->fixture, arguments, &outputs[i]);
	while (running > 0) {
		bool is_good = false;

		written += work(life, source, target);
		swarm_app = tables_app_of(life->tables, swarms[running - 1]);
		assert_true(!swarm_app || !tables_read_app(life->tables, swarm_app, &app) ||
			    !app.labels);
		if (!is_running(swarms[running - 1], &is_good)) {
			assert_true(is_good);
			close(outputs[--running]);
		}
	}
	assert_int_equal(kernel_fixture_written(life->fixture, "copy"), written);
	assert_int_equal(life_labels_of_file(life, "plain"), 0);
	assert_true(life_labels_of(life, WORKER) != 0);
	puppet_end(life->stage, WORKER);
	mend_what_was_missed(life);
	sensor_sweep(kernel_fixture_sensor(life->fixture));
	sensor_forget_ended(kernel_fixture_sensor(life->fixture));
	assert_int_equal(tables_count_dead_processes(life->tables), 0);
	assert_int_equal(tables_count_empty_apps(life->tables), 0);
}

static void they_do_not_by_perf_tracepoints_either(void **state)
{
	perf_links_need();
	life_begin_by_perf(state);
	short_processes_leave_nothing_behind_and_get_no_label(state);
	life_end(state);
}

/* ---- numbers that come again ---- */

static pid_t fork_with_pid(pid_t wanted)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)&wanted, .set_tid_size = 1};

	return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/* Waits to be killed, under a number that it did not choose. */
static bool start_under(pid_t wanted, int input)
{
	pid_t pid = fork_with_pid(wanted);

	if (pid == 0) {
		dup2(input, STDIN_FILENO);
		execl("/bin/cat", "cat", (char *)NULL);
		_exit(127);
	}
	return pid == wanted;
}

static void a_process_number_that_comes_again_hands_on_no_label(void **state)
{
	struct life *life = *state;
	int ends[2], reused = 0;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (int i = 0; i < PID_ROUNDS; i++) {
		pid_t pid;

		puppet_start(life->stage, WORKER, life->executables[0]);
		life_read_source(life, WORKER);
		pid = life->stage->puppets[WORKER].pid;
		assert_true(life_labels_of_pid(life, pid) != 0);
		if (i % 2) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		} else {
			puppet_end(life->stage, WORKER);
		}
		if (!start_under(pid, ends[0]))
			continue; /* somebody else got the number */
		reused++;
		assert_int_equal(life_labels_of_pid(life, pid), 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(tables_app_of(life->tables, pid), 0);
	}
	close(ends[0]);
	close(ends[1]);
	printf("# %d of %d numbers came again\n", reused, PID_ROUNDS);
	assert_true(reused > 0);
}

static void an_inode_number_that_comes_again_hands_on_no_label(void **state)
{
	struct life *life = *state;
	char path[PUPPET_PATH_BYTES];
	uint64_t last_ino = 0;
	int reused = 0;

	puppet_start(life->stage, WORKER, life->executables[0]);
	puppet_start(life->stage, OTHER, life->executables[1]);
	life_read_source(life, WORKER);
	snprintf(path, sizeof(path), "%s/again", kernel_fixture_folder(life->fixture));
	for (int i = 0; i < INODE_ROUNDS; i++) {
		bool is_worker = i % 2 == 0;
		uint32_t index = is_worker ? WORKER : OTHER;
		long data = (long)life->stage->puppets[index].data;
		long fd = life_open_plain(life, index, "again");
		struct stat info;

		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(LIFE_CALL(life, index, SYS_write, fd, data, 100), 100);
		assert_int_equal(LIFE_CALL(life, index, SYS_pread64, fd, data, 100, 0), 100);
		LIFE_CALL(life, index, SYS_close, fd);
		reused += !is_worker && info.st_ino == last_ino;
		last_ino = info.st_ino;
		unlink(path);
	}
	assert_int_equal(life_labels_of(life, OTHER), 0);
	printf("# %d of %d inode numbers came again\n", reused, INODE_ROUNDS / 2);
	puppet_end(life->stage, WORKER);
	puppet_end(life->stage, OTHER);
	if (!reused)
		skip(); /* the file system gives no number twice */
}

/* ---- descriptors ---- */

static void a_descriptor_inherited_before_the_label_labels_its_reader(void **state)
{
	struct life *life = *state;
	long data = (long)life->stage->puppets[OTHER].data, fd;

	puppet_start(life->stage, THIRD, life->executables[0]);
	fd = life_open_plain(life, THIRD, "shared");
	puppet_fork(life->stage, THIRD, OTHER);
	puppet_exec(life->stage, OTHER, life->executables[1]);
	life_read_source(life, THIRD);
	assert_int_equal(LIFE_CALL(life, THIRD, SYS_pwrite64, fd, data, 100, 0), 100);
	assert_int_equal(life_labels_of(life, OTHER), 0);
	assert_int_equal(LIFE_CALL(life, OTHER, SYS_pread64, fd, data, 100, 0), 100);
	assert_true(life_labels_of(life, OTHER) != 0);
	puppet_end(life->stage, THIRD);
	puppet_end(life->stage, OTHER);
}

/* A thread waits in read() while another one puts a plain file behind the descriptor. */
static void a_descriptor_that_another_thread_reused_keeps_what_the_call_was_about(void **state)
{
	struct life *life = *state;
	struct puppet *reader = &life->stage->puppets[OTHER];
	int64_t ends[2];
	struct stat info;
	char path[64];
	long plain;

	puppet_start(life->stage, WORKER, life->executables[0]);
	life_read_source(life, WORKER);
	assert_int_equal(
		LIFE_CALL(life, WORKER, SYS_pipe2, (long)life->stage->puppets[WORKER].fds, 0), 0);
	ends[0] = life->stage->puppets[WORKER].fds[0];
	ends[1] = life->stage->puppets[WORKER].fds[1];
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", life->stage->puppets[WORKER].pid,
		 (int)ends[0]);
	assert_int_equal(stat(path, &info), 0);
	puppet_fork(life->stage, WORKER, OTHER);
	puppet_exec(life->stage, OTHER, life->executables[1]);
	puppet_thread(life->stage, OTHER, THIRD);
	plain = life_open_plain(life, OTHER, "plain");
	puppet_begin(life->stage, OTHER, SYS_read,
		     (const long[6]){ends[0], (long)reader->data, 4096});
	puppet_wait_until_asleep(life->stage, OTHER);
	assert_int_equal(LIFE_CALL(life, THIRD, SYS_dup3, plain, ends[0], 0), ends[0]);
	assert_int_equal(LIFE_CALL(life, WORKER, SYS_write, ends[1],
				   (long)life->stage->puppets[WORKER].data, 700),
			 700);
	assert_int_equal(puppet_finish(life->stage, OTHER), 700);
	assert_true(life_labels_of(life, OTHER) != 0);
	assert_int_equal(kernel_fixture_sum(life->fixture, false, info.st_ino, 0).bytes, 700);
	assert_int_equal(life_labels_of_file(life, "plain"), 0);
	puppet_end(life->stage, THIRD);
	puppet_end(life->stage, WORKER);
}

int main(int argc, char **argv)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, life_begin, life_end)
	const struct CMUnitTest tests[] = {
		STORY(short_processes_leave_nothing_behind_and_get_no_label),
		cmocka_unit_test(they_do_not_by_perf_tracepoints_either),
		STORY(a_process_number_that_comes_again_hands_on_no_label),
		STORY(an_inode_number_that_comes_again_hands_on_no_label),
		STORY(a_descriptor_inherited_before_the_label_labels_its_reader),
		STORY(a_descriptor_that_another_thread_reused_keeps_what_the_call_was_about),
	};
	int status = puppet_main(argc, argv);

	if (status >= 0)
		return status;
	if (argc > 1 && strcmp(argv[1], "swarm") == 0)
		return swarm_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
