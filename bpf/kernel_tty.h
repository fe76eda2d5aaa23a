/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_KERNEL_TTY_H
#define WEIR_KERNEL_TTY_H

/* Terminals as the kernel keeps them; see kernel.h. include/linux/tty.h, tty_driver.h */

#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct tty_driver {
	int major, minor_start;
};

struct winsize {
	unsigned short ws_row, ws_col; /* include/uapi/asm-generic/termios.h */
};

struct tty_struct {
	struct tty_driver *driver;
	struct tty_struct *link; /* of a pty: the other end */
	struct winsize winsize;
};

struct tty_file_private {
	struct tty_struct *tty;
};

#pragma clang attribute pop

#endif
