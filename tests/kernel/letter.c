/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/letter.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

struct letter *letter_of(const struct scene *scene, uint32_t who)
{
	static_assert(SCENE_BYTES + 1096 + sizeof(struct letter) <= PUPPET_DATA_BYTES, "room");
	return (struct letter *)(scene_data(scene, who) + SCENE_BYTES + 1096);
}

int letter_socket(const struct scene *scene, uint32_t who, int family, int type)
{
	long fd = SCENE_CALL(scene, who, SYS_socket, family, type, 0);

	assert_true(fd >= 0);
	return (int)fd;
}

static long fill_path(const struct scene *scene, uint32_t who, const char *name)
{
	struct sockaddr_un *address = &letter_of(scene, who)->path;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%s", scene_path(scene, name));
	return sizeof(*address);
}

static int make_named(const struct scene *scene, uint32_t who, int type, const char *name,
		      long number)
{
	int fd = letter_socket(scene, who, AF_UNIX, type);
	long length = fill_path(scene, who, name);

	assert_int_equal(
		SCENE_CALL(scene, who, number, fd, (long)&letter_of(scene, who)->path, length), 0);
	return fd;
}

int letter_bound(const struct scene *scene, uint32_t who, int type, const char *name)
{
	return make_named(scene, who, type, name, SYS_bind);
}

int letter_connected(const struct scene *scene, uint32_t who, int type, const char *name)
{
	return make_named(scene, who, type, name, SYS_connect);
}
