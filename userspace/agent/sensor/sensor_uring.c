/* SPDX-License-Identifier: GPL-2.0-only */

/* What operations of io_uring do, and how the running kernel tells of them: the tracepoints' names
 * and arguments changed between 5.10 and 6.12, and can be left out of a kernel. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "agent/sensor/sensor_private.h"
#include "bpf/weir.skel.h"

#define SUBMIT "io_uring_submit_req"
#define OVERFLOW "io_uring_cqe_overflow"
#define SUBMIT_BEFORE_6_4 "io_uring_submit_sqe"

/* enum io_uring_op, uapi/linux/io_uring.h of 6.18: Debian 12's headers end before 48. */
static const struct {
	uint32_t number;
	const char *name; /* as people are told */
	struct weir_syscall rule;
} operations[] = {
	{1, "io_uring READV", {WEIR_CALL_READ, WEIR_FORM_IOVEC, 0, 0}},
	{2, "io_uring WRITEV", {WEIR_CALL_WRITE, WEIR_FORM_IOVEC, 0, 0}},
	{4, "io_uring READ_FIXED", {WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0}},
	{5, "io_uring WRITE_FIXED", {WEIR_CALL_WRITE, WEIR_FORM_PLAIN, 0, 0}},
	{9, "io_uring SENDMSG", {WEIR_CALL_WRITE, WEIR_FORM_MSGHDR, 0, 0}},
	{10, "io_uring RECVMSG", {WEIR_CALL_READ, WEIR_FORM_MSGHDR, 0, 0}},
	{13, "io_uring ACCEPT", {WEIR_CALL_ACCEPT, WEIR_FORM_PLAIN, 0, 0}},
	{16, "io_uring CONNECT", {WEIR_CALL_CONNECT, WEIR_FORM_PLAIN, 0, 0}},
	{18, "io_uring OPENAT", {WEIR_CALL_OPEN, WEIR_FORM_PLAIN, 0, 0}},
	{22, "io_uring READ", {WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0}},
	{23, "io_uring WRITE", {WEIR_CALL_WRITE, WEIR_FORM_PLAIN, 0, 0}},
	{26, "io_uring SEND", {WEIR_CALL_WRITE, WEIR_FORM_SENDTO, 0, 0}},
	{27, "io_uring RECV", {WEIR_CALL_READ, WEIR_FORM_SENDTO, 0, 0}},
	{28, "io_uring OPENAT2", {WEIR_CALL_OPEN, WEIR_FORM_PLAIN, 0, 0}},
	{30, "io_uring SPLICE", {WEIR_CALL_COPY, WEIR_FORM_AT, 0, 0}},
	{33, "io_uring TEE", {WEIR_CALL_COPY, WEIR_FORM_AT, 0, 0}},
	/* To a device or a protocol, past the file that it goes through. */
	{46, "io_uring URING_CMD", {WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0}},
	{47, "io_uring SEND_ZC", {WEIR_CALL_WRITE, WEIR_FORM_SENDTO, 0, 0}},
	{48, "io_uring SENDMSG_ZC", {WEIR_CALL_WRITE, WEIR_FORM_MSGHDR, 0, 0}},
	{49, "io_uring READ_MULTISHOT", {WEIR_CALL_READ, WEIR_FORM_MULTISHOT, 0, 0}},
	{54, "io_uring FIXED_FD_INSTALL", {WEIR_CALL_TAKE_FD, WEIR_FORM_PLAIN, 0, 0}},
	/* Its completions count pages of a network card's memory. */
	{58, "io_uring RECV_ZC", {WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0}},
	{60, "io_uring READV_FIXED", {WEIR_CALL_READ, WEIR_FORM_IOVEC, 0, 0}},
	{61, "io_uring WRITEV_FIXED", {WEIR_CALL_WRITE, WEIR_FORM_IOVEC, 0, 0}},
	{64, "io_uring URING_CMD128", {WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0}},
};

#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

const char *sensor_uring_name(uint64_t number)
{
	for (size_t i = 0; i < N_OPERATIONS; i++)
		if (operations[i].number == number)
			return operations[i].name;
	return "an io_uring completion that found its queue full";
}

/* How many arguments a tracepoint has; 0 when there is none. */
static uint32_t count_arguments(const struct btf *btf, const char *name)
{
	const struct btf_type *type;
	char symbol[64];
	int id;

	snprintf(symbol, sizeof(symbol), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, symbol, BTF_KIND_TYPEDEF);
	if (id < 0)
		return 0;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type); /* pointer */
	type = type ? btf__type_by_id(btf, type->type) : NULL;
	if (!type || !btf_is_func_proto(type) || btf_vlen(type) < 1)
		return 0;
	return btf_vlen(type) - 1U; /* the first is the program's own */
}

static int set_targets(struct sensor *sensor)
{
	struct bpf_program *programs[] = {sensor->skeleton->progs.uring_submit_btf,
					  sensor->skeleton->progs.hook_uring_submit_btf};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		int r = bpf_program__set_attach_target(programs[i], 0, sensor->uring.submit_event);

		if (r < 0)
			return r;
	}
	return 0;
}

int sensor_uring_prepare(struct sensor *sensor, const char *btf_path)
{
	struct btf *btf = btf__parse(btf_path, NULL);
	uint32_t submit, complete;
	int r = 0;

	if (!btf)
		return -errno;
	sensor->uring.submit_event = SUBMIT;
	submit = count_arguments(btf, SUBMIT);
	if (!submit) {
		sensor->uring.submit_event = SUBMIT_BEFORE_6_4;
		submit = count_arguments(btf, SUBMIT_BEFORE_6_4);
	}
	complete = count_arguments(btf, "io_uring_complete");
	sensor->start.follows_uring = submit && (complete == 3 || complete == 4 || complete == 7);
	/* What overflows was told as complete once, but not by 6.1 any more: where it is counted,
	 * it may be said as well. */
	sensor->uring.has_overflow = sensor->start.follows_uring && count_arguments(btf, OVERFLOW);
	btf__free(btf);
	sensor->skeleton->rodata->uring_submit_form = submit > 2;
	sensor->skeleton->rodata->uring_complete_form = complete;
	for (size_t i = 0; i < N_OPERATIONS; i++)
		sensor->skeleton->rodata->uring_operations[operations[i].number] =
			operations[i].rule;
	if (sensor->start.follows_uring)
		r = set_targets(sensor);
	return r;
}
