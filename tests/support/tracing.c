/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/tracing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"

/* A perf link does not tell its tracepoint before 6.6, so that each of them counts. */
static bool watches_calls(int link_fd)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	char name[64] = "";

	info.raw_tracepoint.tp_name = (uintptr_t)name;
	info.raw_tracepoint.tp_name_len = sizeof(name);
	if (bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0) {
		/* Of another type: what was taken for a name means something else there. */
		memset(&info, 0, sizeof(info));
		size = sizeof(info);
		if (bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0)
			return false;
	}
	if (info.type == BPF_LINK_TYPE_PERF_EVENT)
		return true;
	return info.type == BPF_LINK_TYPE_RAW_TRACEPOINT &&
	       (!strcmp(name, "sys_enter") || !strcmp(name, "sys_exit"));
}

int tracing_count_links(void)
{
	uint32_t id = 0;
	int n = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);

		if (fd >= 0 && watches_calls(fd))
			n++;
	}
	return errno == ENOENT ? n : -errno;
}

static int attach_empty(const char *tracepoint)
{
	/* r0 = 0; exit */
	const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP);
	_cleanup_close_ int program_fd = -1;
	int id = libbpf_find_vmlinux_btf_id(tracepoint, BPF_TRACE_RAW_TP);
	int link_fd;

	if (id < 0)
		return id;
	options.attach_btf_id = (uint32_t)id;
	program_fd =
		bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", instructions, 2, &options);
	if (program_fd < 0)
		return -errno;
	link_fd = bpf_raw_tracepoint_open(NULL, program_fd);
	return link_fd < 0 ? -errno : link_fd;
}

int tracing_attach_empty(int ret_fds[2])
{
	_cleanup_close_ int enter = attach_empty("sys_enter");
	int exit_fd;

	if (enter < 0)
		return enter;
	exit_fd = attach_empty("sys_exit");
	if (exit_fd < 0)
		return exit_fd;
	ret_fds[0] = TAKE_FD(enter);
	ret_fds[1] = exit_fd;
	return 0;
}
