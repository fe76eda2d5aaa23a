/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#error "which system calls this machine has is not known"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define LET BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), LET
/* Memory that holds code is not made any more; the low half of the argument is enough. */
#define ALLOW_WITHOUT_EXEC(name)                                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 4), LOAD(args[2]), \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), KILL, LET

/* Numbers of the x32 ABI are above all that is allowed, so they end at the last line. */
static const struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
	KILL,
	LOAD(nr),
	ALLOW(pread64),
	ALLOW(recvmsg),
	ALLOW(sendto),
	ALLOW(close),
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(futex),
	ALLOW(getrandom),
	ALLOW(rt_sigreturn),
	ALLOW(exit),
	ALLOW(exit_group),
#ifdef __SANITIZE_ADDRESS__ /* it asks for the stack before a function that does not return */
	ALLOW(sigaltstack),
#endif
	ALLOW_WITHOUT_EXEC(mmap),
	ALLOW_WITHOUT_EXEC(mprotect),
	KILL,
};

static int limit(int resource, uint64_t value)
{
	const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

	return setrlimit((__rlimit_resource_t)resource, &limit) < 0 ? -errno : 0;
}

static int set_limits(const struct scan_sandbox *sandbox)
{
	int r = limit(RLIMIT_CORE, 0);

	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0);
#ifndef __SANITIZE_ADDRESS__ /* it reserves more address space than any limit */
	if (r == 0 && sandbox->memory_bytes)
		r = limit(RLIMIT_AS, sandbox->memory_bytes);
#endif
	if (r == 0 && sandbox->cpu_seconds)
		r = limit(RLIMIT_CPU, sandbox->cpu_seconds);
	return r;
}

static int drop_user(void)
{
	/* Somebody who is not root has no other user to become. */
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
}

int scan_sandbox_enter(const struct scan_sandbox *sandbox)
{
	const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]),
					   .filter = (struct sock_filter *)filter};
	int r = drop_user();

	if (r == 0)
		r = set_limits(sandbox);
	if (r < 0)
		return r;
	/* A change of user takes these back, so they come after it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}
