/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/exe_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"

#define ENTRIES_MAX 4096

struct hashed_exe {
	uint64_t ino;
	uint32_t dev;
	char hex[HASH_SHA256_HEX_SIZE];
};

struct exe_hash {
	void *tree;
	size_t n_entries;
};

static int compare(const void *a, const void *b)
{
	const struct hashed_exe *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->dev > y->dev) - (x->dev < y->dev);
}

int exe_hash_new(struct exe_hash **ret_hashes)
{
	struct exe_hash *hashes = calloc(1, sizeof(*hashes));

	if (!hashes)
		return -ENOMEM;
	*ret_hashes = hashes;
	return 0;
}

void exe_hash_free(struct exe_hash *hashes)
{
	if (!hashes)
		return;
	tdestroy(hashes->tree, free);
	free(hashes);
}

static bool hash_if_same(const char *path, struct hashed_exe *entry)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0 || info.st_ino != entry->ino)
		return false;
	if (file_kernel_dev(info.st_dev) != entry->dev)
		return false;
	return hash_sha256_fd(fd, entry->hex) == 0;
}

const char *exe_hash_get(struct exe_hash *hashes, const char *path, uint32_t pid, uint32_t dev,
			 uint64_t ino)
{
	struct hashed_exe wanted = {.ino = ino, .dev = dev}, **slot, *made;
	char proc_path[32];

	slot = tfind(&wanted, &hashes->tree, compare);
	if (slot)
		return (*slot)->hex;
	snprintf(proc_path, sizeof(proc_path), "/proc/%u/exe", pid);
	if (!hash_if_same(path, &wanted) && !hash_if_same(proc_path, &wanted))
		return NULL;
	if (hashes->n_entries >= ENTRIES_MAX) {
		tdestroy(hashes->tree, free);
		hashes->tree = NULL;
		hashes->n_entries = 0;
	}
	made = malloc(sizeof(*made));
	if (!made)
		return NULL;
	*made = wanted;
	if (!tsearch(made, &hashes->tree, compare)) {
		free(made);
		return NULL;
	}
	hashes->n_entries++;
	return made->hex;
}
