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
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/scene.h"

#define LONG_BYTES 1000 /* of a value that may be a part of something */
#define SHORT_BYTES 20

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
		STORY(who_holds_nothing_may_take_them),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
