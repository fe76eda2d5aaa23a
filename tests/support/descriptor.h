/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_DESCRIPTOR_H
#define WEIR_TESTS_SUPPORT_DESCRIPTOR_H

/* Sends a descriptor (SCM_RIGHTS) with one byte through a unix socket. Returns 0 or -errno. */
int descriptor_send(int socket, int fd);

#endif
