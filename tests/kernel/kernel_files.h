/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_KERNEL_FILES_H
#define WEIR_TESTS_KERNEL_KERNEL_FILES_H

/* Files of a test. They stop it on failure, saying why. */

#include <stddef.h>
#include <sys/types.h>

void kernel_files_write(const char *path, const void *data, size_t size, mode_t mode);
void kernel_files_write_letters(const char *path, size_t size);
/* A copy of the running executable. */
void kernel_files_copy_self(const char *to);
/* A folder with all that is in it. */
void kernel_files_remove(const char *folder);

#endif
