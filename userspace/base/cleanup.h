/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_CLEANUP_H
#define WEIR_BASE_CLEANUP_H

/*
 * Ownership by scope: a variable marked _cleanup_(fn) is released when it goes
 * out of scope; TAKE() hands the value on and leaves the empty value behind.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Moves a pointer out of a variable, leaving NULL. */
#define TAKE(ptr)                                     \
	({                                            \
		__typeof__(ptr) *_take_from = &(ptr); \
		__typeof__(ptr) _taken = *_take_from; \
		*_take_from = NULL;                   \
		_taken;                               \
	})

/* Moves a descriptor out of a variable, leaving -1. */
#define TAKE_FD(fd)                       \
	({                                \
		int *_take_from = &(fd);  \
		int _taken = *_take_from; \
		*_take_from = -1;         \
		_taken;                   \
	})

/* Defines name_cleanup(type **) that calls fn on a non-NULL pointer. */
#define DEFINE_CLEANUP(name, type, fn)          \
	static inline void name(type **pointer) \
	{                                       \
		if (*pointer)                   \
			fn(*pointer);           \
	}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Keeps errno: a cleanup must not hide why the caller failed. */
static inline void cleanup_close(int *fd)
{
	int saved_errno = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved_errno;
}

static inline void cleanup_fclose(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}

#endif
