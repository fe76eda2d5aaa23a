/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include <sys/syscall.h>

#include "agent/sensor/sensor_private.h"

struct syscall_entry {
	int number;
	const char *name;
	struct weir_syscall rule;
};

#define ENTRY(call_name, ...)                \
	{                                    \
		SYS_##call_name, #call_name, \
		{                            \
			__VA_ARGS__          \
		}                            \
	}

/* The descriptor of READ, WRITE, VMSPLICE and CONNECT is argument 0 everywhere. */
static const struct syscall_entry entries[] = {
	ENTRY(read, WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(pread64, WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(readv, WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(preadv, WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(preadv2, WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(recvfrom, WEIR_CALL_READ, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(recvmsg, WEIR_CALL_READ, WEIR_FORM_MSGHDR, 0, 0),
	ENTRY(recvmmsg, WEIR_CALL_READ, WEIR_FORM_MMSGHDR, 0, 0),
	ENTRY(write, WEIR_CALL_WRITE, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(pwrite64, WEIR_CALL_WRITE, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(writev, WEIR_CALL_WRITE, WEIR_FORM_IOVEC, 0, 0),
	ENTRY(pwritev, WEIR_CALL_WRITE, WEIR_FORM_IOVEC, 0, 0),
	ENTRY(pwritev2, WEIR_CALL_WRITE, WEIR_FORM_IOVEC, 0, 0),
	ENTRY(sendto, WEIR_CALL_WRITE, WEIR_FORM_SENDTO, 0, 0),
	ENTRY(sendmsg, WEIR_CALL_WRITE, WEIR_FORM_MSGHDR, 0, 0),
	ENTRY(sendmmsg, WEIR_CALL_WRITE, WEIR_FORM_MMSGHDR, 0, 0),
	ENTRY(vmsplice, WEIR_CALL_VMSPLICE, WEIR_FORM_IOVEC, 0, 0),
	ENTRY(sendfile, WEIR_CALL_COPY, WEIR_FORM_PLAIN, 1, 0),
	ENTRY(splice, WEIR_CALL_COPY, WEIR_FORM_PLAIN, 0, 2),
	ENTRY(tee, WEIR_CALL_COPY, WEIR_FORM_PLAIN, 0, 1),
	ENTRY(copy_file_range, WEIR_CALL_COPY, WEIR_FORM_PLAIN, 0, 2),
	/* fd_arg of OPEN is where the flags are; MSGHDR says that they are in a struct there. */
	ENTRY(openat, WEIR_CALL_OPEN, WEIR_FORM_PLAIN, 2, 0),
	ENTRY(openat2, WEIR_CALL_OPEN, WEIR_FORM_MSGHDR, 2, 0),
	ENTRY(open_by_handle_at, WEIR_CALL_OPEN, WEIR_FORM_PLAIN, 2, 0),
	ENTRY(truncate, WEIR_CALL_TRUNCATE, WEIR_FORM_PLAIN, 1, 0),
	ENTRY(ftruncate, WEIR_CALL_FTRUNCATE, WEIR_FORM_EMPTYING, 1, 0),
	ENTRY(connect, WEIR_CALL_CONNECT, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(bind, WEIR_CALL_BIND, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(accept, WEIR_CALL_ACCEPT, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(accept4, WEIR_CALL_ACCEPT, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(mmap, WEIR_CALL_MMAP, WEIR_FORM_PLAIN, 4, 0),
	ENTRY(mprotect, WEIR_CALL_PROTECT, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(pkey_mprotect, WEIR_CALL_PROTECT, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(shmat, WEIR_CALL_ATTACH, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(unlinkat, WEIR_CALL_UNLINK, WEIR_FORM_AT, 0, 0),
	ENTRY(renameat2, WEIR_CALL_RENAME, WEIR_FORM_AT, 0, 0),
#ifdef SYS_renameat
	ENTRY(renameat, WEIR_CALL_RENAME, WEIR_FORM_AT, 0, 0),
#endif
#ifdef SYS_open
	ENTRY(open, WEIR_CALL_OPEN, WEIR_FORM_PLAIN, 1, 0),
	ENTRY(creat, WEIR_CALL_OPEN, WEIR_FORM_EMPTYING, 0, 0),
	ENTRY(unlink, WEIR_CALL_UNLINK, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(rename, WEIR_CALL_RENAME, WEIR_FORM_PLAIN, 0, 0),
#endif
	ENTRY(ioctl, WEIR_CALL_IOCTL, WEIR_FORM_PLAIN, 2, 0),
	ENTRY(pidfd_getfd, WEIR_CALL_TAKE_FD, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(process_vm_readv, WEIR_CALL_MEMORY, WEIR_FORM_FETCH, 0, 0),
	ENTRY(process_vm_writev, WEIR_CALL_MEMORY, WEIR_FORM_STORE, 0, 0),
	ENTRY(ptrace, WEIR_CALL_MEMORY, WEIR_FORM_PTRACE, 1, 0),
	/* UFFDIO_COPY, by ioctl, can fill the memory of another process. */
	ENTRY(userfaultfd, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(io_submit, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(mq_timedsend, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(msgsnd, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(setxattr, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 3, 0),
	ENTRY(lsetxattr, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 3, 0),
	ENTRY(fsetxattr, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 3, 0),
#ifdef SYS_setxattrat
	ENTRY(setxattrat, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
#endif
	ENTRY(add_key, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 3, 0),
	ENTRY(keyctl, WEIR_CALL_GAP, WEIR_FORM_STORE, 3, 0),
	/* For kernels that do not tell what goes through a ring. */
	ENTRY(io_uring_setup, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
	ENTRY(io_uring_enter, WEIR_CALL_GAP, WEIR_FORM_PLAIN, 0, 0),
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

/* What must be so before a call can matter. */
static enum weir_call_gate gate_of(const struct weir_syscall *rule)
{
	switch (rule->call) {
	case WEIR_CALL_WRITE:
		/* What is sent may be what connects, or be for the CRM. */
		return rule->form == WEIR_FORM_PLAIN || rule->form == WEIR_FORM_IOVEC
			       ? WEIR_GATE_MOVES
			       : WEIR_GATE_NONE;
	case WEIR_CALL_NONE:
	case WEIR_CALL_READ:
	case WEIR_CALL_COPY:
	case WEIR_CALL_VMSPLICE:
	case WEIR_CALL_MEMORY:
	case WEIR_CALL_GAP:
	case WEIR_CALL_IOCTL:
		return WEIR_GATE_MOVES;
	case WEIR_CALL_OPEN:
	case WEIR_CALL_TAKE_FD:
	case WEIR_CALL_UNLINK:
	case WEIR_CALL_RENAME:
	case WEIR_CALL_TRUNCATE:
	case WEIR_CALL_FTRUNCATE:
		return WEIR_GATE_LABELS;
	default:
		return WEIR_GATE_NONE;
	}
}

/* Whether 32-bit calls of the number must be known as such before anything else is looked at. */
static bool is_told_at_once(enum weir_call call, enum weir_call compat_call)
{
	bool is_moving = call == WEIR_CALL_READ || call == WEIR_CALL_WRITE ||
			 call == WEIR_CALL_COPY || call == WEIR_CALL_VMSPLICE;

	return compat_call != WEIR_CALL_NONE || (call != WEIR_CALL_NONE && !is_moving);
}

static void fill_compat_places(struct weir_rule rules[WEIR_PLACES])
{
	for (size_t i = 0; i < WEIR_SYSCALLS; i++) {
		const struct weir_syscall *rule = &rules[i].syscall;
		const struct weir_syscall *compat = &rules[WEIR_PLACE_COMPAT + i].syscall;

		if (!is_told_at_once(rule->call, compat->call))
			continue;
		rules[i].compat_place = (uint16_t)(WEIR_PLACE_COMPAT + i);
		rules[i].compat_gate =
			gate_of(rule) < gate_of(compat) ? gate_of(rule) : gate_of(compat);
	}
}

void sensor_fill_syscalls(struct weir_rule rules[WEIR_PLACES], bool is_uring_followed)
{
	memset(rules, 0, WEIR_PLACES * sizeof(*rules));
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (entries[i].number >= 0 && entries[i].number < WEIR_SYSCALLS)
			rules[entries[i].number].syscall = entries[i].rule;
	if (is_uring_followed) {
		rules[SYS_io_uring_setup].syscall.call = WEIR_CALL_NONE;
		rules[SYS_io_uring_enter].syscall.call = WEIR_CALL_NONE;
	}
	sensor_fill_compat(rules, is_uring_followed);
	for (size_t i = 0; i < WEIR_PLACES; i++)
		rules[i].place = (uint16_t)i;
	fill_compat_places(rules);
}

const char *sensor_gap_name(uint64_t number)
{
	if (number & WEIR_GAP_URING)
		return sensor_uring_name(number & ~WEIR_GAP_URING);
	if (number >= WEIR_PLACE_COMPAT)
		return sensor_compat_name(number);
	for (size_t i = 0; i < N_ENTRIES; i++)
		if ((uint64_t)entries[i].number == number)
			return entries[i].name;
	return NULL;
}
