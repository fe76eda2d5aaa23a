/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_TTY_H
#define WEIR_TESTS_KERNEL_TTY_H

/* Puppets at terminals. They stop the test on failure. */

#include "kernel/scene.h"

/* What is typed comes at once, as it is, and is not shown. */
void tty_set_raw(const struct scene *scene, uint32_t who, int fd);
/* So many bytes, which come by and by, and none that are not wanted. */
void tty_read(const struct scene *scene, uint32_t who, int fd, long bytes);
/* Of all flows of the kind. */
uint64_t tty_bytes(const struct scene *scene, enum sensor_object_kind kind, bool is_out);

#endif
