/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#define LINE_SIZE 4096

static const char *program = "weir";

void log_set_program(const char *name)
{
	program = name;
}

/* A line break within a message would forge a line of its own. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void log_line(int priority, const char *format, va_list arguments)
{
	int saved_errno = errno;
	char line[LINE_SIZE];

	vsnprintf(line, sizeof(line), format, arguments);
	flatten(line);
	/* systemd sets both for a service whose stderr goes to the journal; see sd-daemon(3). */
	if (getenv("JOURNAL_STREAM") && getenv("INVOCATION_ID"))
		fprintf(stderr, "<%d>%s: %s\n", priority, program, line);
	else
		fprintf(stderr, "%s: %s\n", program, line);
	errno = saved_errno;
}

#define DEFINE_LOG(name, priority)                     \
	void name(const char *format, ...)             \
	{                                              \
		va_list arguments;                     \
                                                       \
		va_start(arguments, format);           \
		log_line(priority, format, arguments); \
		va_end(arguments);                     \
	}

DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_error, LOG_ERR)
