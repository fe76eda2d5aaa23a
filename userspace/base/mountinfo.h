/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_MOUNTINFO_H
#define WEIR_BASE_MOUNTINFO_H

/*
 * Lines of /proc/PID/mountinfo, proc_pid_mountinfo(5). Source and options are whatever the one who
 * mounted it said: text to be shown, not to be believed.
 */

#include <stdbool.h>
#include <stdint.h>

/* More than any machine has. */
#define MOUNTINFO_MAX_BYTES (16 * 1024 * 1024)

/* Strings lie in the line that was taken apart, unescaped; none is NULL. */
struct mountinfo {
	uint64_t id;
	uint32_t dev; /* as the kernel holds it */
	const char *path;
	const char *type;
	const char *source;
	const char *options; /* of the file system, not of this mount */
};

/* Takes a line apart in place. False for one that is no such line: *ret_mount is untouched. */
bool mountinfo_parse(char *line, struct mountinfo *ret_mount);

#endif
