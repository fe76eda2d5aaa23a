/* SPDX-License-Identifier: GPL-2.0-only */

/* Ways between apps that are not followed: that one who holds labelled data took one is said. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/keyctl.h>
#include <linux/vm_sockets.h>
#include <sys/ipc.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/scene.h"

#define LONG_BYTES 1000 /* of a value that may be a part of something */
#define SHORT_BYTES 20
#define ADDRESS_AT 4096 /* in the puppet's data */

/* bluetooth.h and hci_sock.h of the kernel's include/net/bluetooth: no header for programs */
#define BLUETOOTH_HCI 1
#define BLUETOOTH_NO_DEVICE 0xffff
#define BLUETOOTH_CONTROL 3 /* a channel to the kernel, which needs no adapter */

struct bluetooth_address {
	uint16_t family, device, channel;
};

/* Makes it where its result does not matter: an attempt is said, too. */
static void check_said(const struct scene *scene, const char *name, long number,
		       const long arguments[6])
{
	char row[64];

	assert_int_equal(scene_gaps(scene, name), 0);
	puppet_call(scene->stage, CLERK, number, arguments);
	assert_int_equal(scene_gaps(scene, name), 1);
	snprintf(row, sizeof(row), "%s (said)", name);
	coverage_note(row, COVERAGE_GAP);
}

#define CHECK_SAID(scene, name, ...) \
	check_said(scene, #name, SYS_##name, (const long[6]){__VA_ARGS__})

static void a_long_attribute_of_a_file_is_said(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	long data = (long)clerk->data;
	int fd = scene_make_file(scene, CLERK, "plain");

	scene_read_source(scene, CLERK);
	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "%s", scene_path(scene, "plain"));
	snprintf(clerk->paths[1], sizeof(clerk->paths[1]), "user.rows");
	/* As browsers keep where a file was downloaded from. */
	SCENE_CALL(scene, CLERK, SYS_fsetxattr, fd, (long)clerk->paths[1], data, SHORT_BYTES, 0);
	assert_int_equal(scene_gaps(scene, "fsetxattr"), 0);
	CHECK_SAID(scene, setxattr, (long)clerk->paths[0], (long)clerk->paths[1], data, LONG_BYTES);
	CHECK_SAID(scene, lsetxattr, (long)clerk->paths[0], (long)clerk->paths[1], data,
		   LONG_BYTES);
	CHECK_SAID(scene, fsetxattr, fd, (long)clerk->paths[1], data, LONG_BYTES);
	coverage_note("attributes of files below 512 bytes", COVERAGE_GAP);
}

static void a_long_key_is_said(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];

	scene_read_source(scene, CLERK);
	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "user");
	snprintf(clerk->paths[1], sizeof(clerk->paths[1]), "rows");
	CHECK_SAID(scene, add_key, (long)clerk->paths[0], (long)clerk->paths[1], (long)clerk->data,
		   LONG_BYTES, KEY_SPEC_PROCESS_KEYRING);
	CHECK_SAID(scene, keyctl, KEYCTL_UPDATE, KEY_SPEC_PROCESS_KEYRING, (long)clerk->data,
		   LONG_BYTES);
}

static void queues_and_asynchronous_calls_are_said(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	long data = (long)clerk->data, queue;

	scene_read_source(scene, CLERK);
	queue = SCENE_CALL(scene, CLERK, SYS_msgget, IPC_PRIVATE, 0600);
	CHECK_SAID(scene, msgsnd, queue, data, SHORT_BYTES, IPC_NOWAIT);
	SCENE_CALL(scene, CLERK, SYS_msgctl, queue, IPC_RMID, 0);
	CHECK_SAID(scene, mq_timedsend, -1, data, SHORT_BYTES, 0, 0);
	CHECK_SAID(scene, io_submit, 0, 1, data);
	CHECK_SAID(scene, userfaultfd, O_CLOEXEC);
}

static void skip_without(bool is_there, const char *what)
{
	if (is_there)
		return;
	print_message("# skip: this kernel has no %s\n", what);
	skip();
}

/* What follows is the puppet's, as the address of a call. */
static long address_of(const struct scene *scene, const void *address, size_t size)
{
	return (long)memcpy(scene_data(scene, CLERK) + ADDRESS_AT, address, size);
}

static void check_write_is_said(const struct scene *scene, int fd, long bytes, const char *row)
{
	assert_int_equal(scene_gaps(scene, "write"), 0);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK), bytes),
		bytes);
	assert_int_equal(scene_gaps(scene, "write"), 1);
	coverage_note(row, COVERAGE_GAP);
}

/* Between a virtual machine and its host, and here to the machine itself. */
static void what_goes_by_vsock_is_said(void **state)
{
	const struct scene *scene = *state;
	struct sockaddr_vm peer = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY};
	socklen_t size = sizeof(peer);
	int listener, fd;

	/* Without it, the call would go to the host of the tests. */
	skip_without(access("/sys/module/vsock_loopback", F_OK) == 0, "vsock_loopback");
	listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&peer, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&peer, &size), 0);
	peer.svm_cid = VMADDR_CID_LOCAL;
	fd = (int)SCENE_CALL(scene, CLERK, SYS_socket, AF_VSOCK, SOCK_STREAM, 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd,
				    address_of(scene, &peer, sizeof(peer)), sizeof(peer)),
			 0);
	scene_read_source(scene, CLERK);
	check_write_is_said(scene, fd, SCENE_BYTES, "AF_VSOCK (said)");
	close(listener);
}

static void what_goes_by_bluetooth_is_said(void **state)
{
	static const struct bluetooth_address control = {AF_BLUETOOTH, BLUETOOTH_NO_DEVICE,
							 BLUETOOTH_CONTROL};
	/* MGMT_OP_READ_VERSION: the kernel takes nothing that it does not understand. */
	static const uint8_t command[6] = {1, 0, 0xff, 0xff, 0, 0};
	const struct scene *scene = *state;
	int fd = (int)SCENE_CALL(scene, CLERK, SYS_socket, AF_BLUETOOTH, SOCK_RAW, BLUETOOTH_HCI);

	skip_without(fd >= 0, "Bluetooth");
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_bind, fd,
				    address_of(scene, &control, sizeof(control)), sizeof(control)),
			 0);
	scene_read_source(scene, CLERK);
	memcpy(scene_data(scene, CLERK), command, sizeof(command));
	check_write_is_said(scene, fd, sizeof(command), "AF_BLUETOOTH (said)");
}

static void who_holds_nothing_may_take_them(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	SCENE_CALL(scene, THIEF, SYS_userfaultfd, O_CLOEXEC);
	SCENE_CALL(scene, THIEF, SYS_fsetxattr, 0, 0, 0, LONG_BYTES, 0);
	assert_int_equal(scene_gaps(scene, "userfaultfd"), 0);
	assert_int_equal(scene_gaps(scene, "fsetxattr"), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_long_attribute_of_a_file_is_said),
		STORY(a_long_key_is_said),
		STORY(queues_and_asynchronous_calls_are_said),
		STORY(what_goes_by_vsock_is_said),
		STORY(what_goes_by_bluetooth_is_said),
		STORY(who_holds_nothing_may_take_them),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
