/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/perf_links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/utsname.h>

#include <cmocka.h>

void perf_links_need(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
	if (major >= 7)
		print_message("# SKIP %s has perf tracepoints in all the other tests\n",
			      name.release);
	else if (major < 5 || (major == 5 && minor < 15))
		print_message("# SKIP links of perf tracepoints are of 5.15, this is %s\n",
			      name.release);
	else
		return;
	skip();
}
