/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_CGROUP_FIXTURE_H
#define WEIR_TESTS_SUPPORT_CGROUP_FIXTURE_H

/*
 * A cgroup of the v2 hierarchy for one test, below wherever the hierarchy is
 * mounted; where it is not, it is mounted in a folder of its own meanwhile.
 */

#include <stdint.h>
#include <sys/types.h>

struct cgroup_fixture {
	char mount[128];
	char name[64];  /* below the mount: "/weir-test-123" */
	char path[192]; /* of its folder */
	uint64_t id;
	int is_mounted_here;
};

/* Skips the test, saying why, where there can be none. */
void cgroup_fixture_open(struct cgroup_fixture *fixture);
/* Its processes must have been killed. */
void cgroup_fixture_close(struct cgroup_fixture *fixture);

/* A cgroup below PATH's; fails the test when it cannot. Its id. */
uint64_t cgroup_fixture_make(const char *path);
/* Moves a process there. 0 or -errno. */
int cgroup_fixture_move(const char *path, pid_t pid);

#endif
