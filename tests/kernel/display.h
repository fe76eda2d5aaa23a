/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_DISPLAY_H
#define WEIR_TESTS_KERNEL_DISPLAY_H

/*
 * A real X server without a screen, and puppets that speak X11 to it byte by byte. Requests are
 * put together first and sent by a call of the test's choice. All of it stops the test on failure.
 */

#include "kernel/scene.h"

#define DISPLAY_BATCH_BYTES 3800 /* that fit into one batch */
#define DISPLAY_PROPERTY 9       /* an atom: CUT_BUFFER0 */
#define DISPLAY_STRING 31
#define DISPLAY_ATOM 4
#define DISPLAY_INTEGER 19

struct display {
	pid_t server;
	int number;
};

struct display_client {
	const struct scene *scene;
	uint32_t who;
	int fd;
	uint32_t base, root, window; /* ids */
	uint8_t big_requests;        /* opcode that turns them on */
	size_t batch_bytes;          /* put together, not sent yet */
};

enum display_mode {
	DISPLAY_REPLACE = 0,
	DISPLAY_PREPEND = 1,
	DISPLAY_APPEND = 2,
};

/* False, saying so, where there is no Xvfb. */
bool display_is_there(void);
void display_start(struct display *ret_display);
void display_stop(struct display *display);

/* A connection on which nothing was said yet; to the server's path, or its abstract name. */
void display_reach(const struct display *display, const struct scene *scene, uint32_t who,
		   bool by_path, struct display_client *ret_client);
/* And has been let in. */
void display_connect(const struct display *display, const struct scene *scene, uint32_t who,
		     bool by_path, struct display_client *ret_client);

/* ---- one more request of the batch ---- */

void display_add_bytes(struct display_client *client, const void *bytes, size_t size);
void display_add_window(struct display_client *client);
void display_add_selection_owner(struct display_client *client);
/* So many bytes of the puppet's rows. */
void display_add_put(struct display_client *client, uint32_t window, enum display_mode mode,
		     size_t size);
void display_add_put_of_type(struct display_client *client, uint32_t window, uint32_t type,
			     uint8_t format, size_t size);
void display_add_get(struct display_client *client, uint32_t window, bool is_taken, uint32_t bytes);
/* The request at this place of the batch, in the form that BIG-REQUESTS allows. */
void display_make_big(struct display_client *client, size_t at);
void display_add_nothing(struct display_client *client);

/* ---- calls ---- */

/* Where the batch is in the puppet's memory, which is the test's, too. */
uint8_t *display_batch(const struct display_client *client);
/* The whole batch by one write. */
void display_send(struct display_client *client);
/* The whole batch by one writev of buffers of so many bytes, or by sendmsg of such. */
void display_send_parts(struct display_client *client, long number, size_t part_bytes);
/* The whole batch by a sendmmsg of one message. */
void display_send_messages(struct display_client *client);
/* Waits until the server has done all. What it answered before must have been read. */
void display_wait(struct display_client *client);
/* The bytes of a property that the next answer brings; the batch was sent. */
size_t display_read_answer(struct display_client *client);
/* So many bytes of what the server writes. */
void display_read(const struct display_client *client, uint8_t *ret_bytes, size_t size);
/* The opcode that the server has given it; 0: it has no such. */
uint8_t display_find_extension(struct display_client *client, const char *name);
/* Made when there is none of that name. */
uint32_t display_find_atom(struct display_client *client, const char *name);
void display_turn_big_on(struct display_client *client);

#endif
