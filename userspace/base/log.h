/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

/*
 * What a program tells its operator: one line on stderr per call, "PROGRAM: text".
 * Only mains, pipelines and the command line may call this; libraries return
 * errors instead. Under systemd the line carries its journal priority. Keeps errno.
 */

/* name stays the caller's, for the life of the process; "weir" without. Before threads start. */
void log_set_program(const char *name);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
