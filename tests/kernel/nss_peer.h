/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_NSS_PEER_H
#define WEIR_TESTS_KERNEL_NSS_PEER_H

/* A client of NSS, whose libraries it loads itself: they are no part of the other tests. It stops
 * the test on failure, saying why. */

#include <stdbool.h>
#include <stddef.h>

bool nss_peer_is_installed(void);

/* Before anything is sent, so that the libraries can be watched. */
void nss_peer_load(void);

/* Sends text in pieces over TLS, by fd, which is connected and is closed. HOW is "PR_Write",
 * "PR_Send", "PR_Write/layer" (by a layer above NSS that calls PR_Write itself) or "PR_Write/file"
 * (and then writes other records into the file PATH, by PR_Write as well). */
void nss_peer_send(const char *how, int fd, const char *text, size_t size, const char *path);

#endif
