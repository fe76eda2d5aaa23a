/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * 32-bit system calls: i386 on x86-64, the EABI of arm on arm64. They do what the 64-bit ones do,
 * by other numbers, registers and structs. Offsets in two halves come after all that is looked at,
 * but for the lengths of truncate64 and ftruncate64.
 */

#include <linux/ipc.h>
#include <linux/net.h>

#include "agent/sensor/sensor_private.h"

#if defined(__x86_64__)
#include <asm/unistd_32.h>
#define NUMBER(name) __NR_##name
#define LONG_ARG 1 /* of a length in two halves, behind the first argument: the lower half */
#else
/* arch/arm/tools/syscall.tbl */
enum arm_number {
	ARM_read = 3,
	ARM_write = 4,
	ARM_open = 5,
	ARM_creat = 8,
	ARM_unlink = 10,
	ARM_ptrace = 26,
	ARM_rename = 38,
	ARM_ioctl = 54,
	ARM_truncate = 92,
	ARM_ftruncate = 93,
	ARM_mprotect = 125,
	ARM_readv = 145,
	ARM_writev = 146,
	ARM_pread64 = 180,
	ARM_pwrite64 = 181,
	ARM_sendfile = 187,
	ARM_mmap2 = 192,
	ARM_truncate64 = 193,
	ARM_ftruncate64 = 194,
	ARM_setxattr = 226,
	ARM_lsetxattr = 227,
	ARM_fsetxattr = 228,
	ARM_sendfile64 = 239,
	ARM_io_submit = 246,
	ARM_mq_timedsend = 276,
	ARM_bind = 282,
	ARM_connect = 283,
	ARM_accept = 285,
	ARM_send = 289,
	ARM_sendto = 290,
	ARM_recv = 291,
	ARM_recvfrom = 292,
	ARM_sendmsg = 296,
	ARM_recvmsg = 297,
	ARM_msgsnd = 301,
	ARM_shmat = 305,
	ARM_add_key = 309,
	ARM_keyctl = 311,
	ARM_openat = 322,
	ARM_unlinkat = 328,
	ARM_renameat = 329,
	ARM_splice = 340,
	ARM_tee = 342,
	ARM_vmsplice = 343,
	ARM_preadv = 361,
	ARM_pwritev = 362,
	ARM_recvmmsg = 365,
	ARM_accept4 = 366,
	ARM_open_by_handle_at = 371,
	ARM_sendmmsg = 374,
	ARM_process_vm_readv = 376,
	ARM_process_vm_writev = 377,
	ARM_renameat2 = 382,
	ARM_userfaultfd = 388,
	ARM_copy_file_range = 391,
	ARM_preadv2 = 392,
	ARM_pwritev2 = 393,
	ARM_pkey_mprotect = 394,
	ARM_recvmmsg_time64 = 417,
	ARM_mq_timedsend_time64 = 418,
	ARM_io_uring_setup = 425,
	ARM_io_uring_enter = 426,
	ARM_openat2 = 437,
	ARM_pidfd_getfd = 438,
};
#define NUMBER(name) ARM_##name
#define LONG_ARG 2 /* halves begin at an even register */
#endif

struct compat_entry {
	uint16_t place;
	const char *name;
	struct weir_rule rule;
};

#define AT(at, call_name, call_does, call_form, ...)                                       \
	{                                                                                  \
		(at), "32-bit " #call_name,                                                \
		{                                                                          \
			.syscall.call = WEIR_CALL_##call_does,                             \
			.syscall.form = WEIR_FORM_##call_form, .is_compat = 1, __VA_ARGS__ \
		}                                                                          \
	}
#define ENTRY(name, does, form, ...) \
	AT(WEIR_PLACE_COMPAT + NUMBER(name), name, does, form, __VA_ARGS__)
#define FDS(first, second) .syscall.fd_arg = (first), .syscall.fd2_arg = (second)

static const struct compat_entry entries[] = {
	ENTRY(read, READ, PLAIN, FDS(0, 0)),
	ENTRY(pread64, READ, PLAIN, FDS(0, 0)),
	ENTRY(readv, READ, PLAIN, FDS(0, 0)),
	ENTRY(preadv, READ, PLAIN, FDS(0, 0)),
	ENTRY(preadv2, READ, PLAIN, FDS(0, 0)),
	ENTRY(recvfrom, READ, PLAIN, FDS(0, 0)),
	ENTRY(recvmsg, READ, MSGHDR, FDS(0, 0)),
	ENTRY(recvmmsg, READ, MMSGHDR, FDS(0, 0)),
	ENTRY(recvmmsg_time64, READ, MMSGHDR, FDS(0, 0)),
	ENTRY(write, WRITE, PLAIN, FDS(0, 0)),
	ENTRY(pwrite64, WRITE, PLAIN, FDS(0, 0)),
	ENTRY(writev, WRITE, IOVEC, FDS(0, 0)),
	ENTRY(pwritev, WRITE, IOVEC, FDS(0, 0)),
	ENTRY(pwritev2, WRITE, IOVEC, FDS(0, 0)),
	ENTRY(sendto, WRITE, SENDTO, FDS(0, 0)),
	ENTRY(sendmsg, WRITE, MSGHDR, FDS(0, 0)),
	ENTRY(sendmmsg, WRITE, MMSGHDR, FDS(0, 0)),
	ENTRY(vmsplice, VMSPLICE, IOVEC, FDS(0, 0)),
	ENTRY(sendfile, COPY, PLAIN, FDS(1, 0)),
	ENTRY(sendfile64, COPY, PLAIN, FDS(1, 0)),
	ENTRY(splice, COPY, PLAIN, FDS(0, 2)),
	ENTRY(tee, COPY, PLAIN, FDS(0, 1)),
	ENTRY(copy_file_range, COPY, PLAIN, FDS(0, 2)),
	ENTRY(open, OPEN, PLAIN, FDS(1, 0)),
	ENTRY(creat, OPEN, EMPTYING, FDS(0, 0)),
	ENTRY(openat, OPEN, PLAIN, FDS(2, 0)),
	ENTRY(openat2, OPEN, MSGHDR, FDS(2, 0)),
	ENTRY(open_by_handle_at, OPEN, PLAIN, FDS(2, 0)),
	ENTRY(truncate, TRUNCATE, PLAIN, FDS(1, 0)),
	ENTRY(ftruncate, FTRUNCATE, EMPTYING, FDS(1, 0)),
	ENTRY(truncate64, TRUNCATE, PLAIN, FDS(LONG_ARG, 0)),
	ENTRY(ftruncate64, FTRUNCATE, EMPTYING, FDS(LONG_ARG, 0)),
	ENTRY(connect, CONNECT, PLAIN, FDS(0, 0)),
	ENTRY(bind, BIND, PLAIN, FDS(0, 0)),
	ENTRY(ioctl, IOCTL, PLAIN, FDS(2, 0)),
	ENTRY(accept4, ACCEPT, PLAIN, FDS(0, 0)),
	ENTRY(mmap2, MMAP, PLAIN, FDS(4, 0)),
	ENTRY(mprotect, PROTECT, PLAIN, FDS(0, 0)),
	ENTRY(pkey_mprotect, PROTECT, PLAIN, FDS(0, 0)),
	ENTRY(shmat, ATTACH, PLAIN, FDS(0, 0)),
	ENTRY(unlink, UNLINK, PLAIN, FDS(0, 0)),
	ENTRY(unlinkat, UNLINK, AT, FDS(0, 0)),
	ENTRY(rename, RENAME, PLAIN, FDS(0, 0)),
	ENTRY(renameat, RENAME, AT, FDS(0, 0)),
	ENTRY(renameat2, RENAME, AT, FDS(0, 0)),
	ENTRY(pidfd_getfd, TAKE_FD, PLAIN, FDS(0, 0)),
	ENTRY(process_vm_readv, MEMORY, FETCH, FDS(0, 0)),
	ENTRY(process_vm_writev, MEMORY, STORE, FDS(0, 0)),
	ENTRY(ptrace, MEMORY, PTRACE, FDS(1, 0)),
	ENTRY(userfaultfd, GAP, PLAIN, FDS(0, 0)),
	ENTRY(io_submit, GAP, PLAIN, FDS(0, 0)),
	ENTRY(mq_timedsend, GAP, PLAIN, FDS(0, 0)),
	ENTRY(mq_timedsend_time64, GAP, PLAIN, FDS(0, 0)),
	ENTRY(msgsnd, GAP, PLAIN, FDS(0, 0)),
	ENTRY(setxattr, GAP, PLAIN, FDS(3, 0)),
	ENTRY(lsetxattr, GAP, PLAIN, FDS(3, 0)),
	ENTRY(fsetxattr, GAP, PLAIN, FDS(3, 0)),
	ENTRY(add_key, GAP, PLAIN, FDS(3, 0)),
	ENTRY(keyctl, GAP, STORE, FDS(3, 0)),
	ENTRY(io_uring_setup, GAP, PLAIN, FDS(0, 0)),
	ENTRY(io_uring_enter, GAP, PLAIN, FDS(0, 0)),
#if defined(__x86_64__)
	/* One number for several calls: what each of them is stands at its place further on. */
	ENTRY(socketcall, SUBCALLS, PLAIN, .compat_place = WEIR_PLACE_SOCKETCALL),
	ENTRY(ipc, SUBCALLS, PLAIN, .compat_place = WEIR_PLACE_IPC),
	ENTRY(mmap, MMAP, PLAIN, .syscall.fd_arg = 4, .list = WEIR_LIST_FIRST),
#else
	ENTRY(accept, ACCEPT, PLAIN, FDS(0, 0)),
	ENTRY(send, WRITE, PLAIN, FDS(0, 0)),
	ENTRY(recv, READ, PLAIN, FDS(0, 0)),
#endif
#define SOCKETCALL(number, name, does, form) \
	AT(WEIR_PLACE_SOCKETCALL + (number), name, does, form, .list = WEIR_LIST_SECOND)
	SOCKETCALL(SYS_BIND, bind, BIND, PLAIN),
	SOCKETCALL(SYS_CONNECT, connect, CONNECT, PLAIN),
	SOCKETCALL(SYS_ACCEPT, accept, ACCEPT, PLAIN),
	SOCKETCALL(SYS_ACCEPT4, accept4, ACCEPT, PLAIN),
	SOCKETCALL(SYS_SEND, send, WRITE, PLAIN),
	SOCKETCALL(SYS_SENDTO, sendto, WRITE, SENDTO),
	SOCKETCALL(SYS_SENDMSG, sendmsg, WRITE, MSGHDR),
	SOCKETCALL(SYS_SENDMMSG, sendmmsg, WRITE, MMSGHDR),
	SOCKETCALL(SYS_RECV, recv, READ, PLAIN),
	SOCKETCALL(SYS_RECVFROM, recvfrom, READ, PLAIN),
	SOCKETCALL(SYS_RECVMSG, recvmsg, READ, MSGHDR),
	SOCKETCALL(SYS_RECVMMSG, recvmmsg, READ, MMSGHDR),
	AT(WEIR_PLACE_IPC + SHMAT, shmat, ATTACH, PLAIN),
	AT(WEIR_PLACE_IPC + MSGSND, msgsnd, GAP, PLAIN),
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

void sensor_fill_compat(struct weir_rule rules[WEIR_PLACES], bool is_uring_followed)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		rules[entries[i].place] = entries[i].rule;
	if (!is_uring_followed)
		return;
	rules[WEIR_PLACE_COMPAT + NUMBER(io_uring_setup)].syscall.call = WEIR_CALL_NONE;
	rules[WEIR_PLACE_COMPAT + NUMBER(io_uring_enter)].syscall.call = WEIR_CALL_NONE;
}

const char *sensor_compat_name(uint64_t place)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (entries[i].place == place)
			return entries[i].name;
	return NULL;
}
