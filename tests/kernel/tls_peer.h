/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_TLS_PEER_H
#define WEIR_TESTS_KERNEL_TLS_PEER_H

/* Both ends of a TLS connection: a thread that swallows what it is sent, and a program that sends
 * text when it is told to. They stop the test on failure, saying why. */

#include <stddef.h>
#include <stdint.h>

#define TLS_PEER_PORT 18666 /* on 127.0.0.2 */

/* Until the end of the process. */
void tls_peer_serve(void);

struct tls_peer;

/* A connection to it, that ends with the process. */
struct tls_peer *tls_peer_connect(void);
void tls_peer_send(struct tls_peer *peer, const char *text, size_t bytes);
/* Until the file is there, for some seconds. */
void tls_peer_wait_for(const char *path);

/* The sender's main: tls-client HOW SOURCE GO TEXT. HOW is "SSL_write", "SSL_write_ex" or one
 * of nss_peer.h (whose PATH is TEXT.other); it reads the file SOURCE ("-": none), says "ready",
 * waits for a file GO, and sends the file TEXT in pieces. -1 when main was not called so. */
int tls_peer_main(int argc, char **argv);

#endif
