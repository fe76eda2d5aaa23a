/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_PICTURES_H
#define WEIR_TESTS_KERNEL_PICTURES_H

/* What was told of pictures of a screen. */

#include <stdbool.h>
#include <stdint.h>

#include "kernel/scene.h"

/* All of it must be an estimate. is_out: by those who drew. */
struct kernel_totals pictures_count(const struct scene *scene, bool is_out);
/* So much was shown and taken, and the thief is labelled by it, or by nothing. */
void pictures_check_taken(const struct scene *scene, uint64_t calls, uint64_t bytes);

#endif
