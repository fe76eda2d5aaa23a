/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_CGROUP_H
#define WEIR_BASE_CGROUP_H

/* Where the kernel's v2 hierarchy of cgroups is. */

/* Opens the first cgroup2 file system in mounts_path (as /proc/self/mounts) that can be opened; in
 * a cgroup namespace, its root. Nothing is mounted: a second mount would change the options of the
 * first (cgroup_get_tree(), kernel/cgroup/cgroup.c). A descriptor or -ENOENT. */
int cgroup_open_root(const char *mounts_path);

#endif
