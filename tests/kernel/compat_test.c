/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/perf_links.h"
#include "kernel/ring.h"
#include "kernel/transfers.h"
#include "support/descriptor.h"

static void need_32_bit_calls(void)
{
	if (actor_compat_is_there())
		return;
	print_message("# skip: this kernel takes no 32-bit calls (CONFIG_IA32_EMULATION)\n");
	skip();
}

static void check_all_calls(const struct kernel_options *options, const int thread_counts[2])
{
	struct kernel_fixture *fixture = kernel_fixture_start(options);
	int seed = (int)time(NULL);

	print_message("# seed %d\n", seed);
	for (const struct actor_call *call = actor_compat_calls; call->name; call++) {
		for (size_t i = 0; i < 2 && thread_counts[i]; i++)
			transfers_check(fixture, call, thread_counts[i], seed + (int)i);
		transfers_note_exact(call);
	}
	assert_int_equal(kernel_fixture_counts(fixture).losses.unknown_calls, 0);
	kernel_fixture_stop(fixture);
}

static void flows_equal_what_every_32_bit_call_of_a_64_bit_program_returned(void **state)
{
	(void)state;
	need_32_bit_calls();
	check_all_calls(NULL, (const int[]){1, 8});
}

static void they_do_by_perf_tracepoints(void **state)
{
	const struct kernel_options options = {.use_perf = true};

	(void)state;
	need_32_bit_calls();
	perf_links_need();
	check_all_calls(&options, (const int[]){2, 0});
}

/* Who it came from is not known then, if no call before told it. */
static void arguments_that_are_overwritten_by_what_is_received_lose_no_byte(void **state)
{
	const struct actor_call *call = actor_compat_overwriting_calls;
	struct kernel_fixture *fixture;

	(void)state;
	need_32_bit_calls();
	fixture = kernel_fixture_start(NULL);
	for (int threads = 1; threads <= 4; threads += 3) {
		struct transfers_moved moved = transfers_move(fixture, call, threads, threads);

		assert_true(moved.bytes > 0);
		assert_int_equal(kernel_fixture_sum(fixture, false, moved.ino, 0).bytes,
				 moved.bytes);
	}
	kernel_fixture_stop(fixture);
}

#define RIGHTS_MESSAGES 3
#define RIGHTS_BYTES 5000

/* Reads from what it is handed, and opens nothing but what it writes. */
static int rights_main(const char *socket, const char *path)
{
	int to = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644), from = -1;
	char buffer[RIGHTS_BYTES] = "ready";

	if (send(atoi(socket), buffer, 1, 0) == 1)
		from = actor_compat_receive_fd(atoi(socket), RIGHTS_MESSAGES);
	if (from < 0 || to < 0 || read(from, buffer, sizeof(buffer)) != RIGHTS_BYTES)
		return 1;
	return write(to, buffer, sizeof(buffer)) == RIGHTS_BYTES ? 0 : 1;
}

static void send_messages(int socket, int fd, int n)
{
	while (--n > 0)
		assert_int_equal(send(socket, "x", 1, 0), 1);
	assert_int_equal(descriptor_send(socket, fd), 0);
}

static void a_descriptor_in_the_last_message_of_a_32_bit_recvmmsg_is_followed(void **state)
{
	struct kernel_fixture *fixture;
	char path[192], socket[16], text[64];
	char *arguments[] = {"actor", "rights", socket, path, NULL};
	int ends[2], source, output;
	pid_t pid;

	(void)state;
	need_32_bit_calls();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	snprintf(socket, sizeof(socket), "%d", ends[1]);
	snprintf(path, sizeof(path), "%s/handed", kernel_fixture_folder(fixture));
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	/* Not before: whoever is started by an open app is open. */
	assert_int_equal(recv(ends[0], text, 1, 0), 1);
	source = open(kernel_fixture_source(fixture), O_RDONLY | O_CLOEXEC);
	assert_true(source >= 0);
	send_messages(ends[0], source, RIGHTS_MESSAGES);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(fixture, "handed"), RIGHTS_BYTES);
	coverage_note("descriptor passed by 32-bit recvmmsg", COVERAGE_EXACT);
	close(source);
	close(ends[0]);
	close(ends[1]);
	kernel_fixture_stop(fixture);
}

#if defined(__x86_64__)
#define X32_BIT 0x40000000 /* __X32_SYSCALL_BIT */

/* Reads the source, makes one x32 call and says what came of it. */
static int x32_main(const char *source)
{
	int fd = open(source, O_RDONLY | O_CLOEXEC);
	char one;

	if (fd < 0 || read(fd, &one, 1) != 1)
		return 3;
	printf("%ld\n", syscall(X32_BIT | SYS_getpid));
	return 0;
}

static void an_x32_call_of_an_app_that_holds_labelled_data_is_a_loss(void **state)
{
	struct kernel_fixture *fixture = kernel_fixture_start(NULL);
	char *arguments[] = {"actor", "x32", (char *)kernel_fixture_source(fixture), NULL};
	uint64_t losses;
	char text[32];
	int output;
	pid_t pid;

	(void)state;
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	losses = kernel_fixture_counts(fixture).losses.unknown_calls;
	kernel_fixture_stop(fixture);
	assert_int_equal(losses, strtol(text, NULL, 10) > 0 ? 1 : 0);
	if (losses)
		return;
	print_message("# skip: this kernel takes no x32 calls (syscall.x32 of Debian)\n");
	skip();
}

/* tests/kernel/programs/mover32.c, as it was built. */
extern const char _binary_mover32_start[], _binary_mover32_end[];

static struct kernel_fixture *given_a_32_bit_program(void)
{
	size_t size = (size_t)(_binary_mover32_end - _binary_mover32_start);
	struct kernel_fixture *fixture;
	char path[192];
	int fd;

	need_32_bit_calls();
	fixture = kernel_fixture_start(NULL);
	snprintf(path, sizeof(path), "%s/mover32", kernel_fixture_folder(fixture));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, _binary_mover32_start, size), size);
	close(fd);
	return fixture;
}

/* What it says that it moved. */
static uint64_t when_it_moves(struct kernel_fixture *fixture, const char *way, const char *source,
			      const char *target)
{
	char script[256], text[64];
	int output;
	pid_t pid;

	snprintf(script, sizeof(script), "cd $DIR && ./mover32 '%s' %s %s", way, source, target);
	pid = kernel_fixture_spawn_shell(fixture, script, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

static void note(const char *way, enum coverage coverage)
{
	char name[96];

	snprintf(name, sizeof(name), "32-bit program, %s", way);
	coverage_note(name, coverage);
}

static void a_32_bit_program_is_followed_from_file_to_file(void **state)
{
	static const char *const ways[] = {"open", "openat", "sendfile64", "mmap2", "old mmap"};
	struct kernel_fixture *fixture = given_a_32_bit_program();

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char out[16];
		uint64_t bytes;

		snprintf(out, sizeof(out), "out%zu", i);
		bytes = when_it_moves(fixture, ways[i], "$SRC", out);
		assert_true(bytes > 0);
		assert_int_equal(kernel_fixture_written(fixture, out), bytes);
		note(ways[i], strstr(ways[i], "mmap") ? COVERAGE_LABEL : COVERAGE_EXACT);
	}
	kernel_fixture_stop(fixture);
}

static void what_a_32_bit_program_takes_from_the_crm_is_labelled(void **state)
{
	static const char *const ways[] = {"sendmsg with MSG_FASTOPEN", "recvfrom",
					   "socketcall recv"};
	struct kernel_fixture *fixture = given_a_32_bit_program();

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char crm[32], out[16];
		uint64_t bytes;

		snprintf(crm, sizeof(crm), "127.0.0.1:%d", TRANSFERS_CRM_PORT);
		snprintf(out, sizeof(out), "out%zu", i);
		bytes = when_it_moves(fixture, ways[i], crm, out);
		assert_true(bytes > 0);
		assert_int_equal(kernel_fixture_written(fixture, out), bytes);
		note(ways[i], COVERAGE_EXACT);
	}
	kernel_fixture_stop(fixture);
}

/* Of unconnected datagrams, only the call's own arguments say where they go. */
static void what_a_32_bit_program_sends_is_counted_by_its_destination(void **state)
{
	static const char *const ways[] = {"sendto", "sendmsg", "socketcall sendto", "sendmmsg"};
	struct kernel_fixture *fixture = given_a_32_bit_program();
	uint64_t sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char chat[32];

		snprintf(chat, sizeof(chat), "127.0.0.2:%d", TRANSFERS_CHAT_PORT);
		sent += when_it_moves(fixture, ways[i], "$SRC", chat);
		assert_true(sent > i);
		assert_int_equal(kernel_fixture_sum(fixture, true, 0, TRANSFERS_CHAT_PORT).bytes,
				 sent);
		note(ways[i], COVERAGE_EXACT);
	}
	kernel_fixture_stop(fixture);
}

/* 7.x does not tell which rings are of 32 bits. */
static bool do_rings_tell_destinations(void)
{
	struct utsname name;
	int major;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.", &major), 1);
	return major < 7 && ring_has_operation(IORING_OP_SENDMSG);
}

static void what_a_32_bit_program_sends_through_a_ring_is_counted_by_its_destination(void **state)
{
	struct kernel_fixture *fixture;
	uint64_t sent;
	char chat[32];

	(void)state;
	if (!do_rings_tell_destinations()) {
		print_message("# SKIP no io_uring, or rings that do not tell destinations\n");
		skip();
	}
	fixture = given_a_32_bit_program();
	snprintf(chat, sizeof(chat), "127.0.0.2:%d", TRANSFERS_CHAT_PORT);
	sent = when_it_moves(fixture, "io_uring SENDMSG", "$SRC", chat);
	assert_true(sent > 0);
	assert_int_equal(kernel_fixture_sum(fixture, true, 0, TRANSFERS_CHAT_PORT).bytes, sent);
	note("io_uring SENDMSG", COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void what_a_32_bit_program_renames_and_unlinks_is_told(void **state)
{
	struct kernel_fixture *fixture = given_a_32_bit_program();

	(void)state;
	when_it_moves(fixture, "open", "$SRC", "out");
	when_it_moves(fixture, "rename", "out", "renamed");
	assert_int_equal(kernel_fixture_count_paths(fixture, SENSOR_PATH_RENAME), 1);
	when_it_moves(fixture, "unlink", "none", "renamed");
	assert_int_equal(kernel_fixture_count_paths(fixture, SENSOR_PATH_UNLINK), 1);
	kernel_fixture_stop(fixture);
}
#endif

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_equal_what_every_32_bit_call_of_a_64_bit_program_returned),
		cmocka_unit_test(arguments_that_are_overwritten_by_what_is_received_lose_no_byte),
		cmocka_unit_test(they_do_by_perf_tracepoints),
		cmocka_unit_test(a_descriptor_in_the_last_message_of_a_32_bit_recvmmsg_is_followed),
#if defined(__x86_64__)
		cmocka_unit_test(an_x32_call_of_an_app_that_holds_labelled_data_is_a_loss),
		cmocka_unit_test(a_32_bit_program_is_followed_from_file_to_file),
		cmocka_unit_test(what_a_32_bit_program_takes_from_the_crm_is_labelled),
		cmocka_unit_test(what_a_32_bit_program_sends_is_counted_by_its_destination),
		cmocka_unit_test(
			what_a_32_bit_program_sends_through_a_ring_is_counted_by_its_destination),
		cmocka_unit_test(what_a_32_bit_program_renames_and_unlinks_is_told),
#endif
	};

#if defined(__x86_64__)
	if (argc == 3 && strcmp(argv[1], "x32") == 0)
		return x32_main(argv[2]);
#endif
	if (argc == 4 && strcmp(argv[1], "rights") == 0)
		return rights_main(argv[2], argv[3]);
	if (argc > 1)
		return actor_main(argc, argv);
	return cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
