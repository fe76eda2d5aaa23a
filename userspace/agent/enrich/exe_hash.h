/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_EXE_HASH_H
#define WEIR_AGENT_ENRICH_EXE_HASH_H

/*
 * SHA-256 of executables, each file hashed once. Keyed by inode: a path that
 * meanwhile names another file gives no hash rather than a wrong one. Bounded;
 * at the limit everything is forgotten and hashed anew.
 */

#include <stdint.h>

struct exe_hash;

int exe_hash_new(struct exe_hash **ret_hashes);
void exe_hash_free(struct exe_hash *hashes);

/* Lower-case hex that lives until the next call, or NULL when the file is gone or another one.
 * dev as the kernel holds it. pid is tried by /proc when the path does not lead there. */
const char *exe_hash_get(struct exe_hash *hashes, const char *path, uint32_t pid, uint32_t dev,
			 uint64_t ino);

#endif
