/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

/*
 * Whole small files, read with a bound and written so that there is either the old content or the
 * new one, never a mixture; durably, also after a power cut.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

/* The caller frees *ret_data, which holds a NUL after its *ret_size bytes. Works for /proc, too.
 * Returns 0, -EFBIG for more than max_bytes, -ENOENT, ... ret_size may be NULL. */
int file_read_all(const char *path, size_t max_bytes, char **ret_data, size_t *ret_size);

/* Temporary file, fsync, rename, fsync of the folder. Returns 0, or -errno and path is as it was.
 */
int file_write_durably(const char *path, const void *data, size_t size, mode_t mode);

/* For what is written again soon: nobody who reads it meets a mixture, but after a power cut it may
 * be empty. Returns as file_write_durably. */
int file_write_atomically(const char *path, const void *data, size_t size, mode_t mode);

/* Makes path and the missing folders above it, each with mode (and the umask). Returns 0, also when
 * it is there; -ENOTDIR when something else is. */
int file_make_dirs(const char *path, mode_t mode);

/* A device number as the kernel holds it in s_dev (MKDEV, include/linux/kdev_t.h): stat() lays the
 * bits out in another way. */
static inline uint32_t file_kernel_dev(dev_t dev)
{
	return (uint32_t)major(dev) << 20 | minor(dev);
}

#endif
