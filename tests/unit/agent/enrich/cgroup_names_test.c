/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/enrich/cgroup_names.h"
#include "support/cgroup_fixture.h"

#define KEPT 1024
#define ID_OF_NONE UINT64_C(0x7fffffff00000009)

struct scene {
	struct cgroup_fixture cgroup;
	struct cgroup_names *names;
	char mounts[64];
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct scene));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	cgroup_names_free(scene->names);
	if (scene->mounts[0])
		unlink(scene->mounts);
	cgroup_fixture_close(&scene->cgroup);
	free(scene);
	return 0;
}

/* A table of mounts as the kernel shows them. */
static void given_mounts(struct scene *scene, const char *text)
{
	int fd;

	strcpy(scene->mounts, "/tmp/weir-mounts-XXXXXX");
	fd = mkstemp(scene->mounts);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(cgroup_names_new(scene->mounts, &scene->names), 0);
}

/* The first of its mounts is no such file system any more: something else is mounted over it. */
static struct scene *given_a_cgroup(void **state)
{
	struct scene *scene = *state;
	char text[256];

	cgroup_fixture_open(&scene->cgroup);
	snprintf(text, sizeof(text), "cgroup2 /tmp cgroup2 rw 0 0\ncgroup2 %s cgroup2 rw 0 0\n",
		 scene->cgroup.mount);
	given_mounts(scene, text);
	if (geteuid() != 0) {
		print_message("# SKIP only root may ask for a cgroup by its id\n");
		skip();
	}
	return scene;
}

static void assert_goes_by_its_id(struct scene *scene, uint64_t id)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "cgroup:%llu", (unsigned long long)id);
	assert_string_equal(cgroup_names_get(scene->names, id), expected);
}

static void a_cgroup_is_called_by_its_path(void **state)
{
	struct scene *scene = given_a_cgroup(state);
	char path[256], name[128];
	uint64_t id;

	snprintf(path, sizeof(path), "%s/pod", scene->cgroup.path);
	snprintf(name, sizeof(name), "%s/pod", scene->cgroup.name);
	id = cgroup_fixture_make(path);
	assert_string_equal(cgroup_names_get(scene->names, scene->cgroup.id), scene->cgroup.name);
	assert_string_equal(cgroup_names_get(scene->names, id), name);
	assert_string_equal(cgroup_names_get(scene->names, scene->cgroup.id), scene->cgroup.name);
	assert_int_equal(rmdir(path), 0);
}

static void one_that_is_gone_keeps_the_name_it_had(void **state)
{
	struct scene *scene = given_a_cgroup(state);

	assert_string_equal(cgroup_names_get(scene->names, scene->cgroup.id), scene->cgroup.name);
	assert_int_equal(rmdir(scene->cgroup.path), 0);
	assert_string_equal(cgroup_names_get(scene->names, scene->cgroup.id), scene->cgroup.name);
	assert_int_not_equal(cgroup_fixture_make(scene->cgroup.path), scene->cgroup.id);
}

static void one_that_was_gone_before_anybody_asked_goes_by_its_id(void **state)
{
	struct scene *scene = given_a_cgroup(state);

	assert_int_equal(rmdir(scene->cgroup.path), 0);
	assert_goes_by_its_id(scene, scene->cgroup.id);
	cgroup_fixture_make(scene->cgroup.path);
	assert_goes_by_its_id(scene, scene->cgroup.id);
}

static void the_root_and_the_unknown_have_no_name(void **state)
{
	struct scene *scene = given_a_cgroup(state);

	assert_null(cgroup_names_get(scene->names, 1));
	assert_null(cgroup_names_get(scene->names, 0));
}

static void where_no_cgroups_are_mounted_there_are_ids_only(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, "proc /proc proc rw 0 0\ncgroup2 /tmp cgroup2 rw 0 0\n"
			    "cgroup2 /no/such/folder cgroup2 rw 0 0\n");
	assert_goes_by_its_id(scene, ID_OF_NONE);
	assert_goes_by_its_id(scene, UINT64_MAX);
	assert_null(cgroup_names_get(scene->names, 1));
}

static void where_mounts_cannot_be_read_there_are_ids_only(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(cgroup_names_new("/no/such/file", &scene->names), 0);
	assert_goes_by_its_id(scene, ID_OF_NONE);
}

/* Names are kept up to a limit; then all are asked for anew. */
static void names_take_no_more_than_their_room(void **state)
{
	struct scene *scene = given_a_cgroup(state);
	uint64_t gone = scene->cgroup.id;
	char path[256];

	assert_string_equal(cgroup_names_get(scene->names, gone), scene->cgroup.name);
	assert_int_equal(rmdir(scene->cgroup.path), 0);
	cgroup_fixture_make(scene->cgroup.path);
	snprintf(path, sizeof(path), "%s/one", scene->cgroup.path);
	for (int i = 0; i < KEPT; i++) {
		uint64_t id = cgroup_fixture_make(path);

		assert_non_null(strstr(cgroup_names_get(scene->names, id), "/one"));
		assert_int_equal(rmdir(path), 0);
	}
	assert_goes_by_its_id(scene, gone);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_cgroup_is_called_by_its_path),
		TEST(one_that_is_gone_keeps_the_name_it_had),
		TEST(one_that_was_gone_before_anybody_asked_goes_by_its_id),
		TEST(the_root_and_the_unknown_have_no_name),
		TEST(where_no_cgroups_are_mounted_there_are_ids_only),
		TEST(where_mounts_cannot_be_read_there_are_ids_only),
		TEST(names_take_no_more_than_their_room),
	};

	return cmocka_run_group_tests_name("agent/enrich/cgroup_names", tests, NULL, NULL);
}
