/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/btf.h>

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

/* return 0; */
static const struct bpf_insn allow[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K},
	{.code = BPF_JMP | BPF_EXIT},
};

int sensor_lsm_probe(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC);
	_cleanup_close_ int program_fd = -1, link_fd = -1;
	int hook = libbpf_find_vmlinux_btf_id("file_receive", BPF_LSM_MAC);

	if (hook < 0)
		return hook;
	options.attach_btf_id = (uint32_t)hook;
	program_fd = bpf_prog_load(BPF_PROG_TYPE_LSM, "weir_probe", "GPL", allow,
				   sizeof(allow) / sizeof(allow[0]), &options);
	if (program_fd < 0)
		return -errno;
	link_fd = bpf_raw_tracepoint_open(NULL, program_fd);
	return link_fd < 0 ? -errno : 0;
}

void sensor_lsm_refuse(struct sensor *sensor, int error)
{
	sensor->has_lsm = false;
	snprintf(sensor->start.lsm_bpf, sizeof(sensor->start.lsm_bpf), "listed, refused: %s",
		 strerror(-error));
}

void sensor_lsm_examine(struct sensor *sensor, const char *path)
{
	const char *listed = sensor_lsm_describe(path);
	int r;

	snprintf(sensor->start.lsm_bpf, sizeof(sensor->start.lsm_bpf), "%s", listed);
	if (strcmp(listed, "listed") != 0)
		return;
	r = sensor_lsm_probe();
	if (r < 0) {
		sensor_lsm_refuse(sensor, r);
		return;
	}
	sensor->has_lsm = true;
	snprintf(sensor->start.lsm_bpf, sizeof(sensor->start.lsm_bpf), "attached");
}
