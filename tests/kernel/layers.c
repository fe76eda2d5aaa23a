/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "layers: %s: %s\n", what, strerror(errno));
	exit(1);
}

int layers_leave_namespace(void **state)
{
	(void)state;
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private");
	return 0;
}

int layers_strike(void **state)
{
	const struct scene *scene = *state;

	umount2(scene_path(scene, "stack"), MNT_DETACH);
	return scene_strike(state);
}

void layers_add_stack(const struct scene *scene)
{
	static const char *const folders[] = {"lower", "upper", "work", "merged"};
	char name[32];

	must(mkdir(scene_path(scene, "stack"), 0755), "stack");
	must(mount("stack", scene_path(scene, "stack"), "tmpfs", 0, NULL), "tmpfs");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(name, sizeof(name), "stack/%s", folders[i]);
		must(mkdir(scene_path(scene, name), 0755), name);
	}
}

bool layers_add_overlay(const struct scene *scene, const char *lower)
{
	const char *folder = kernel_fixture_folder(scene->fixture);
	char options[256];

	snprintf(options, sizeof(options),
		 "lowerdir=%s/%s,upperdir=%s/stack/upper,workdir=%s/stack/work", folder, lower,
		 folder, folder);
	if (mount("overlay", scene_path(scene, "stack/merged"), "overlay", 0, options) == 0)
		return true;
	if (errno != ENODEV)
		must(-1, "overlay");
	printf("# skipped: this kernel has no overlayfs\n");
	return false;
}

void layers_remove_overlay(const struct scene *scene)
{
	must(umount(scene_path(scene, "stack/merged")), "umount");
}

void layers_drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	must(fd, "drop_caches");
	must((int)write(fd, "2", 1), "drop_caches");
	close(fd);
}

uint64_t layers_count_bytes(const struct scene *scene, bool is_out, const char *name)
{
	struct kernel_inode inode;
	struct stat info;

	must(stat(scene_path(scene, name), &info), name);
	inode = (struct kernel_inode){info.st_ino, info.st_dev};
	return kernel_fixture_bytes(scene->fixture, is_out, &inode);
}
