/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/core.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int core_forbid(void)
{
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

	/* The limit alone does not hold where core_pattern is a pipe, as with systemd-coredump:
	 * do_coredump(), fs/coredump.c 5.10. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return 0;
}
