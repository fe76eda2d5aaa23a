/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_KERNEL_UNIX_H
#define WEIR_KERNEL_UNIX_H

/* Unix sockets as the kernel keeps them; see kernel.h. include/net/af_unix.h */

#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

#pragma clang attribute pop

#endif
