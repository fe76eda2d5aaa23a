/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Programs beside the kernel's security modules: that the kernel runs them, and what is seen
 * without them, too. Kernels that were booted without bpf in their list (lsm= on the command line)
 * do not ask them.
 */

#include <errno.h>
#include <linux/io_uring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "kernel/kernel_fixture.h"
#include "support/descriptor.h"

#define RECEIVED_BYTES 100
#define REFUSED 9     /* the receiver's exit status: this kernel has no such io_uring */
#define SOCKET_FD 500 /* above those of the sensor */

/* ---- what a ring alone saw --------------------------------------------------- */

/* One request, waited for; what it returned, or -errno. */
static int ask_io_uring(const struct io_uring_sqe *request)
{
	struct io_uring_params params = {};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	uint32_t *submitted, *completed, *tail;
	struct io_uring_sqe *requests;
	struct io_uring_cqe *results;

	if (fd < 0)
		return -errno;
	submitted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	completed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_CQ_RING);
	requests = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (submitted == MAP_FAILED || completed == MAP_FAILED || requests == MAP_FAILED)
		return -errno;
	tail = &completed[params.cq_off.tail / sizeof(uint32_t)];
	requests[0] = *request;
	submitted[params.sq_off.array / sizeof(uint32_t)] = 0;
	__atomic_store_n(&submitted[params.sq_off.tail / sizeof(uint32_t)], 1, __ATOMIC_RELEASE);
	/* It may return having submitted, and before anything is completed. */
	for (long n = 1; !__atomic_load_n(tail, __ATOMIC_ACQUIRE); n = 0)
		if (syscall(SYS_io_uring_enter, fd, n, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
			return -errno;
	results = (struct io_uring_cqe *)((char *)completed + params.cq_off.cqes);
	return results[0].res;
}

/* Runs as "receiver": takes a descriptor by io_uring and reads from it by an ordinary call. */
static int receive(void)
{
	char byte, control[CMSG_SPACE(sizeof(int))], data[RECEIVED_BYTES];
	struct iovec buffer = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &buffer,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	const struct io_uring_sqe request = {.opcode = IORING_OP_RECVMSG,
					     .fd = SOCKET_FD,
					     .addr = (uintptr_t)&message,
					     .len = 1};
	int fd, r;

	if (write(STDOUT_FILENO, "r", 1) != 1)
		return 1;
	r = ask_io_uring(&request);
	if (r != 1 || !CMSG_FIRSTHDR(&message)) {
		fprintf(stderr, "# io_uring: %s (%d)\n",
			r < 0 ? strerror(-r) : "no descriptor came", r);
		return r == -ENOSYS || r == -EPERM || r == -EINVAL ? REFUSED : 2;
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return pread(fd, data, sizeof(data), 0) == sizeof(data) ? 0 : 3;
}

/* It is another app, and came to be before anybody opened the source. */
static int hand_over_the_source(struct kernel_fixture *fixture)
{
	char *arguments[] = {"receiver", "receiver", NULL};
	int ends[2], output, status, source;
	char byte;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(dup2(ends[1], SOCKET_FD), SOCKET_FD);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	close(SOCKET_FD);
	close(ends[1]);
	assert_int_equal(read(output, &byte, 1), 1);
	source = open(kernel_fixture_source(fixture), O_RDONLY | O_CLOEXEC);
	assert_true(source >= 0);
	assert_int_equal(descriptor_send(ends[0], source), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(source);
	close(ends[0]);
	close(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the stories -------------------------------------------------------------- */

static void need_lsm(struct kernel_fixture *fixture)
{
	const struct sensor_start start = kernel_fixture_start_info(fixture);

	if (strcmp(start.lsm_bpf, "attached") == 0)
		return;
	print_message("# SKIP lsm of bpf is %s here; see KERNEL+bpf of scripts/kernel-matrix\n",
		      start.lsm_bpf);
	skip();
}

static uint64_t count_runs(struct kernel_fixture *fixture, const char *hook)
{
	struct bpf_prog_info program = {};
	struct bpf_link_info link = {};
	uint32_t link_size = sizeof(link), size = sizeof(program);
	char path[160];
	int link_fd, fd;

	snprintf(path, sizeof(path), "/sys/fs/bpf/%s/link_hook_%s",
		 strrchr(kernel_fixture_folder(fixture), '/') + 1, hook);
	link_fd = bpf_obj_get(path);
	assert_true(link_fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(link_fd, &link, &link_size), 0);
	fd = bpf_prog_get_fd_by_id(link.prog_id);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &program, &size), 0);
	close(fd);
	close(link_fd);
	print_message("# %s ran %llu times\n", hook, (unsigned long long)program.run_cnt);
	return program.run_cnt;
}

static void the_kernel_asks_the_programs_and_they_refuse_nothing(void **state)
{
	int statistics;

	need_lsm(*state);
	statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
	assert_true(statistics >= 0);
	kernel_fixture_shell(*state, "cat $SRC > $DIR/copy");
	(void)hand_over_the_source(*state);
	close(statistics);
	assert_int_equal(kernel_fixture_written(*state, "copy"), 1048576);
	assert_true(count_runs(*state, "lsm_permission") > 0);
	assert_true(count_runs(*state, "lsm_sendmsg") > 0);
	assert_int_equal(kernel_fixture_counts(*state).losses.programs_missed, 0);
}

static void a_descriptor_that_io_uring_received_opens_the_gate_of_its_app(void **state)
{
	struct stat info;
	int status = hand_over_the_source(*state);

	if (status == REFUSED) {
		print_message("# SKIP io_uring of this kernel receives no descriptors\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_int_equal(stat(kernel_fixture_source(*state), &info), 0);
	assert_int_equal(kernel_fixture_sum(*state, false, info.st_ino, 0).bytes, RECEIVED_BYTES);
	assert_int_equal(kernel_fixture_counts(*state).losses.programs_missed, 0);
}

static int given_a_sensor(void **state)
{
	*state = kernel_fixture_start(NULL);
	return 0;
}

static int stop_sensor(void **state)
{
	kernel_fixture_stop(*state);
	return 0;
}

int main(int argc, char **argv)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_sensor, stop_sensor)
	const struct CMUnitTest tests[] = {
		STORY(the_kernel_asks_the_programs_and_they_refuse_nothing),
		STORY(a_descriptor_that_io_uring_received_opens_the_gate_of_its_app),
	};

	if (argc == 2 && strcmp(argv[1], "receiver") == 0)
		return receive();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
