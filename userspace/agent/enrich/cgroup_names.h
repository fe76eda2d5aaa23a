/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_CGROUP_NAMES_H
#define WEIR_AGENT_ENRICH_CGROUP_NAMES_H

/*
 * What a cgroup is called: its path below the root of the v2 hierarchy, asked of the kernel
 * by id once and then kept, so that it still has a name when its container is gone. A machine
 * that keeps containers apart by v1 hierarchies only has all of them in the root here.
 */

#include <stdint.h>

struct cgroup_names;

/*
 * Names come by way of cgroup_open_root(mounts_path); where that opens nothing there are ids only.
 * 0 or -ENOMEM.
 */
int cgroup_names_new(const char *mounts_path, struct cgroup_names **ret_names);
void cgroup_names_free(struct cgroup_names *names);

/*
 * "/system.slice/docker-1a2b.scope", or "cgroup:1234" of one that was gone before anybody asked.
 * Lives until the next call. NULL for the root, for 0 (unknown) and when memory is out.
 */
const char *cgroup_names_get(struct cgroup_names *names, uint64_t id);

#endif
