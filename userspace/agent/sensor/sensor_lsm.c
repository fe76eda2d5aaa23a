/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/file.h"

/* include/uapi/linux/lsm.h and asm-generic/unistd.h of 6.8; Debian 12's headers are older. */
#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif
#define LSM_ID_BPF 110
#define MODULES_MAX 64
#define LIST_MAX_BYTES 4096

static const char *ask_the_kernel(void)
{
	uint64_t ids[MODULES_MAX];
	uint32_t size = sizeof(ids);
	long n = syscall(SYS_lsm_list_modules, ids, &size, 0);

	for (long i = 0; i < n && i < MODULES_MAX; i++)
		if (ids[i] == LSM_ID_BPF)
			return "listed";
	return n < 0 ? "unknown" : "not listed";
}

const char *sensor_lsm_describe(const char *path)
{
	_cleanup_free_ char *list = NULL;
	char *rest, *name;
	size_t size;

	if (file_read_all(path, LIST_MAX_BYTES, &list, &size) < 0)
		return ask_the_kernel(); /* securityfs is not mounted */
	for (name = strtok_r(list, ",\n", &rest); name; name = strtok_r(NULL, ",\n", &rest))
		if (strcmp(name, "bpf") == 0)
			return "listed";
	return "not listed";
}
