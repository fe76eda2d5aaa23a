/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_WAYLAND_H
#define WEIR_TESTS_KERNEL_WAYLAND_H

/*
 * What of Wayland moves a selection: a compositor's socket, and pipes that travel over it. The test
 * itself is the compositor, and a hub as every compositor is; puppets are its clients. All of it
 * stops the test on failure.
 */

#include "kernel/scene.h"

#define WAYLAND_PIPES_MAX 8 /* that travel in one message */

struct wayland {
	struct scene *scene;
	int listener;
	int ends[PUPPETS_MAX]; /* the compositor's, of each client's connection */
	int fds[PUPPETS_MAX];  /* the clients' */
};

/* For cmocka: a scene with a compositor, whose socket is called as is usual. */
int wayland_open(void **state);
int wayland_close(void **state);

/* Has the compositor listen by another name. */
void wayland_listen(struct wayland *wayland, const char *name);
void wayland_connect(struct wayland *wayland, uint32_t who);

/* Makes a pipe in the puppet: its end to read from, and the other one. */
void wayland_make_pipe(const struct wayland *wayland, uint32_t who, int ret_ends[2]);
/* From one end of the puppet's connection: so many descriptors in one message, and what comes. */
void wayland_pass(const struct wayland *wayland, uint32_t who, const int *fds, int n);
int wayland_take(const struct wayland *wayland, uint32_t who, int *ret_fds);
int wayland_take_compat(const struct wayland *wayland, uint32_t who);
/* The same from the compositor's end. */
void wayland_pass_to(const struct wayland *wayland, uint32_t who, const int *fds, int n);
int wayland_take_from(const struct wayland *wayland, uint32_t who, int *ret_fds);

/* Words of requests, by one write. */
void wayland_say(const struct wayland *wayland, uint32_t who, const uint32_t *words, size_t n);
#define WAYLAND_SAY(wayland, who, ...)                             \
	wayland_say(wayland, who, (const uint32_t[]){__VA_ARGS__}, \
		    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* The thief asks for the selection: the end it reads from, and that which somebody got. */
void wayland_ask(const struct wayland *wayland, uint32_t owner, int *ret_read, int *ret_write);
/* The same by drag and drop, each word of it as a compositor and its clients say it. */
void wayland_drag(const struct wayland *wayland, uint32_t source, int *ret_read, int *ret_write);
void wayland_write(const struct wayland *wayland, uint32_t who, int fd);
void wayland_read(const struct wayland *wayland, uint32_t who, int fd);

/* All flows of this kind, in one direction. */
uint64_t wayland_count(const struct wayland *wayland, enum sensor_object_kind kind, bool is_out);

#endif
