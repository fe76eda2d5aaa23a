/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of labelled files lets go of files that are gone, and of no others. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/letter.h"

#define MANY_WALKS 10 /* more than what is held by nobody outlives */
#define SHM_FILE "/dev/shm/weir-gone-test"

static uint64_t count_labelled(const struct scene *scene)
{
	return kernel_fixture_counts(scene->fixture).objects;
}

static void walk(const struct scene *scene, int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
}

static int make_memfd(const struct scene *scene)
{
	char *name = scene->stage->puppets[CLERK].paths[1];
	long fd;

	strcpy(name, "cache");
	fd = SCENE_CALL(scene, CLERK, SYS_memfd_create, (long)name, 0);
	assert_true(fd >= 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_ftruncate, fd, SCENE_FILE_BYTES), 0);
	return (int)fd;
}

static void fill(const struct scene *scene, int fd)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES),
			 SCENE_BYTES);
}

static long map_shared(const struct scene *scene, int fd)
{
	long at = SCENE_CALL(scene, CLERK, SYS_mmap, 0, SCENE_FILE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);

	assert_true(at > 0);
	return at;
}

static void lose(const struct scene *scene, int fd)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_close, fd), 0);
}

static void a_memfd_that_is_closed_is_let_go(void **state)
{
	const struct scene *scene = *state;
	uint64_t before;
	int fd;

	scene_read_source(scene, CLERK);
	before = count_labelled(scene);
	fd = make_memfd(scene);
	fill(scene, fd);
	walk(scene, MANY_WALKS);
	assert_int_equal(count_labelled(scene), before + 1);
	lose(scene, fd);
	walk(scene, 1);
	assert_int_equal(count_labelled(scene), before);
}

/* Closed before any walk: nobody ever saw its descriptor. */
static void a_memfd_that_is_only_mapped_is_kept_and_then_let_go(void **state)
{
	const struct scene *scene = *state;
	uint64_t before;
	long at;
	int fd;

	scene_read_source(scene, CLERK);
	before = count_labelled(scene);
	fd = make_memfd(scene);
	fill(scene, fd);
	at = map_shared(scene, fd);
	lose(scene, fd);
	walk(scene, MANY_WALKS);
	assert_int_equal(count_labelled(scene), before + 1);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_munmap, at, SCENE_FILE_BYTES), 0);
	walk(scene, 1);
	assert_int_equal(count_labelled(scene), before);
}

/* As a browser fills it: by no call. */
static void a_memfd_that_got_its_label_by_a_mapping_is_let_go(void **state)
{
	const struct scene *scene = *state;
	uint64_t before;
	long at;
	int fd = make_memfd(scene);

	at = map_shared(scene, fd);
	lose(scene, fd);
	before = count_labelled(scene);
	scene_read_source(scene, CLERK);
	assert_int_equal(count_labelled(scene), before + 1);
	walk(scene, MANY_WALKS);
	assert_int_equal(count_labelled(scene), before + 1);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_munmap, at, SCENE_FILE_BYTES), 0);
	walk(scene, 1);
	assert_int_equal(count_labelled(scene), before);
}

/* In nobody's table of descriptors: it waits in a socket's queue. */
static void a_memfd_on_its_way_keeps_its_label(void **state)
{
	const struct scene *scene = *state;
	struct letter *letter = letter_of(scene, CLERK);
	struct cmsghdr *header = (struct cmsghdr *)letter->controls[0];
	uint64_t before;
	int fd;

	scene_read_source(scene, CLERK);
	before = count_labelled(scene);
	fd = make_memfd(scene);
	fill(scene, fd);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0,
				    (long)letter->fds),
			 0);
	*header = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	letter->parts[0] = (struct iovec){scene_data(scene, CLERK), 1};
	letter->messages[0] =
		(struct mmsghdr){.msg_hdr = {.msg_iov = letter->parts,
					     .msg_iovlen = 1,
					     .msg_control = header,
					     .msg_controllen = CMSG_SPACE(sizeof(fd))}};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmsg, letter->fds[0],
				    (long)&letter->messages[0].msg_hdr, 0),
			 1);
	lose(scene, fd);
	walk(scene, MANY_WALKS);
	assert_int_equal(count_labelled(scene), before + 1);
	lose(scene, letter->fds[0]);
	lose(scene, letter->fds[1]);
	/* The kernel drops what was on its way after the call has returned. */
	for (int i = 0; i < 1000 && count_labelled(scene) > before; i++) {
		usleep(10000);
		walk(scene, 1);
	}
	assert_int_equal(count_labelled(scene), before);
}

static void a_file_of_tmpfs_is_let_go_when_its_last_holder_is_gone(void **state)
{
	const struct scene *scene = *state;
	uint64_t before;
	int fd;

	unlink(SHM_FILE);
	scene_read_source(scene, CLERK);
	before = count_labelled(scene);
	fd = scene_open(scene, CLERK, SHM_FILE, O_CREAT | O_RDWR);
	fill(scene, fd);
	lose(scene, fd);
	walk(scene, MANY_WALKS);
	assert_int_equal(count_labelled(scene), before + 1);
	fd = scene_open(scene, CLERK, SHM_FILE, O_RDWR);
	assert_int_equal(unlink(SHM_FILE), 0);
	walk(scene, MANY_WALKS);
	assert_int_equal(count_labelled(scene), before + 1);
	lose(scene, fd);
	walk(scene, 1);
	assert_int_equal(count_labelled(scene), before);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_memfd_that_is_closed_is_let_go),
		STORY(a_memfd_that_is_only_mapped_is_kept_and_then_let_go),
		STORY(a_memfd_that_got_its_label_by_a_mapping_is_let_go),
		STORY(a_memfd_on_its_way_keeps_its_label),
		STORY(a_file_of_tmpfs_is_let_go_when_its_last_holder_is_gone),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
