/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_CLIENT_H
#define WEIR_TESTS_KERNEL_CLIENT_H

/* The clerk as a client, and a server at all loopback addresses that answers whatever it is told.
 * These stop the test on failure. */

#include "kernel/scene.h"

#define CLIENT_SERVER_PORT 18444
#define CLIENT_ANSWER_BYTES 100

/* For cmocka, before a group of tests. */
int client_start_server(void **state);
/* Gives 127.0.0.1 a name that this process and its children alone know. Says so when it cannot. */
void client_name_this_machine(const char *name);

/* A descriptor of the clerk. */
int client_connect(const struct scene *scene, const char *host);
/* In one call. */
void client_write(const struct scene *scene, int fd, const void *data, size_t bytes);
void client_say(const struct scene *scene, int fd, const char *text);
/* A TLS hello to this host, or to none. */
void client_say_hello(const struct scene *scene, int fd, const char *host);
void client_read_answer(const struct scene *scene, int fd);
/* Whether what the clerk writes is labelled. */
bool client_is_labelled(const struct scene *scene);

#endif
