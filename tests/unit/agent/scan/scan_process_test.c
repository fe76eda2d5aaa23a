/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/scan/scan_obstacle.h"
#include "agent/scan/scan_process.h"
#include "agent/scan/scan_sandbox.h"
#include "base/cleanup.h"
#include "support/zip_fixture.h"

#define WAIT_MS 20000

static const struct scan_hello hello = {
	.key = "a key of a test",
	.n_rules = 2,
	.rules = {{POLICY_RECORD_PATTERN, "policy-number", "P20\\d{8}"},
		  {POLICY_RECORD_MOBILE, "mobile", ""}},
};

static int given_a_scanner(void **state)
{
	return scan_process_new("/proc/self/exe", &hello, (struct scan_process **)state);
}

static int clean_up(void **state)
{
	scan_process_free(*state);
	return 0;
}

static int wait_for_answer(struct scan_process *process, struct scan_answer *answer)
{
	struct pollfd waiting = {.fd = scan_process_fd(process), .events = POLLIN};

	assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
	return scan_process_receive(process, answer);
}

static void when_it_reads(struct scan_process *process, uint64_t id, const char *text,
			  struct scan_answer *answer)
{
	_cleanup_close_ int fd = zip_fixture_open(text, strlen(text));
	const struct scan_request request = {.id = id, .size = strlen(text)};

	assert_int_equal(scan_process_send(process, &request, fd), 0);
	assert_int_equal(wait_for_answer(process, answer), 1);
	assert_int_equal(answer->id, id);
}

static void files_go_in_and_counts_come_out(void **state)
{
	static struct scan_answer answer;
	uint64_t first;

	when_it_reads(*state, 1, "P2020123456,13900001234\nP2020123457,13900001234\n", &answer);
	assert_int_equal(answer.obstacles, 0);
	assert_int_equal(answer.rows, 2);
	assert_int_equal(answer.n_found[0], 2);
	assert_int_equal(answer.n_found[1], 1);
	assert_int_equal(answer.n_given[0], 2);
	assert_int_equal(answer.n_fingerprints, 3);
	first = answer.fingerprints[2];
	/* The same number is the same fingerprint; nothing of the file before is left. */
	when_it_reads(*state, 2, "139-0000-1234", &answer);
	assert_int_equal(answer.n_found[0], 0);
	assert_int_equal(answer.n_fingerprints, 1);
	assert_true(answer.fingerprints[0] == first);
}

static void fingerprints_stand_as_the_numbers_come_in_the_file(void **state)
{
	static const char forth[] = "P2020000009 P2020000002 P2020000009 P2020000005";
	static struct scan_answer answer;
	uint64_t nine, two, five;

	when_it_reads(*state, 1, forth, &answer);
	assert_int_equal(answer.n_given[0], 3);
	nine = answer.fingerprints[0];
	two = answer.fingerprints[1];
	five = answer.fingerprints[2];
	when_it_reads(*state, 2, "P2020000005\nP2020000002\nP2020000009\n", &answer);
	assert_true(answer.fingerprints[0] == five);
	assert_true(answer.fingerprints[1] == two);
	assert_true(answer.fingerprints[2] == nine);
}

static void a_list_too_long_for_an_answer_is_counted_without_fingerprints(void **state)
{
	static struct scan_answer answer;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i < 5000; i++)
		fprintf(out, "P2020%06d,1390000%04d\n", i, i % 9);
	fclose(out);
	when_it_reads(*state, 1, text, &answer);
	assert_int_equal(answer.n_found[0], 5000);
	assert_int_equal(answer.n_given[0], 0);
	assert_int_equal(answer.n_found[1], 9);
	assert_int_equal(answer.n_given[1], 9);
}

static void a_process_that_is_killed_is_noticed(void **state)
{
	static struct scan_answer answer;
	_cleanup_close_ int fd = -1;
	const struct scan_request request = {.id = 1, .size = 1};

	/* A message that it does not understand ends it. */
	assert_int_equal(send(scan_process_fd(*state), "?", 1, 0), 1);
	assert_int_equal(wait_for_answer(*state, &answer), -EPIPE);
	fd = zip_fixture_open("x", 1);
	assert_true(scan_process_send(*state, &request, fd) < 0);
}

/* A service manager and a terminal ask all processes of a service to end, and there may be files
 * left to be read for the last time. */
static void what_asks_its_agent_to_end_does_not_end_it(void **state)
{
	static struct scan_answer answer;
	_cleanup_fclose_ FILE *children = fopen("/proc/thread-self/children", "re");
	int pid = 0;

	assert_non_null(children);
	assert_int_equal(fscanf(children, "%d", &pid), 1);
	when_it_reads(*state, 1, "P2020123456", &answer);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(kill(pid, SIGINT), 0);
	when_it_reads(*state, 2, "P2020123456", &answer);
	assert_int_equal(answer.n_found[0], 1);
}

static void a_program_that_is_no_scanner_is_noticed(void **state)
{
	static struct scan_answer answer;
	_cleanup_(scan_process_freep) struct scan_process *process = NULL;

	(void)state;
	if (scan_process_new("/bin/false", &hello, &process) == 0)
		assert_int_equal(wait_for_answer(process, &answer), -EPIPE);
}

/* How a child ends that enters the sandbox and then does something. */
static int end_of(const struct scan_sandbox *sandbox, void (*act)(void))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (scan_sandbox_enter(sandbox) < 0)
			_exit(99);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void do_nothing(void)
{
}

static void open_a_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void open_a_file(void)
{
	(void)syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY);
}

static void execute(void)
{
	(void)execl("/bin/true", "true", NULL);
}

static void send_a_signal(void)
{
	(void)kill(getppid(), 0);
}

static void write_to_stdout(void)
{
	(void)syscall(SYS_write, 1, "x", 1);
}

static void make_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
}

static void spin(void)
{
	for (volatile unsigned int i = 0;; i++)
		;
}

static void the_sandbox_lets_it_do_nothing_but_read_and_answer(void **state)
{
	static void (*const acts[])(void) = {open_a_socket, open_a_file,     execute,
					     send_a_signal, write_to_stdout, make_code};
	const struct scan_sandbox sandbox = SCAN_SANDBOX_DEFAULT;

	(void)state;
	assert_int_equal(end_of(&sandbox, do_nothing), 0);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = end_of(&sandbox, acts[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void its_time_is_limited(void **state)
{
	const struct scan_sandbox sandbox = {.cpu_seconds = 1};
	int status = end_of(&sandbox, spin);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
	assert_false(WCOREDUMP(status));
}

static void take_much_memory(void)
{
	char *memory =
		mmap(NULL, 256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	_exit(memory == MAP_FAILED ? 7 : 0);
}

static void its_memory_is_limited(void **state)
{
	const struct scan_sandbox sandbox = {.memory_bytes = 128 << 20};

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("the address sanitizer reserves more than any limit\n");
	skip();
#endif
	assert_int_equal(end_of(&sandbox, take_much_memory), 7 << 8);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_scanner, clean_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(files_go_in_and_counts_come_out),
		STORY(fingerprints_stand_as_the_numbers_come_in_the_file),
		STORY(a_list_too_long_for_an_answer_is_counted_without_fingerprints),
		STORY(a_process_that_is_killed_is_noticed),
		STORY(what_asks_its_agent_to_end_does_not_end_it),
		cmocka_unit_test(a_program_that_is_no_scanner_is_noticed),
		cmocka_unit_test(the_sandbox_lets_it_do_nothing_but_read_and_answer),
		cmocka_unit_test(its_time_is_limited),
		cmocka_unit_test(its_memory_is_limited),
	};

	/* The scanner is this program, called by that name. */
	if (argc == 2 && strcmp(argv[1], SCAN_WORKER_ARGUMENT) == 0)
		return scan_worker_run(SCAN_WORKER_FD);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
