/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SCENARIOS_MOVER_MOVER_H
#define WEIR_TESTS_SCENARIOS_MOVER_MOVER_H

/*
 * The mover takes a file and sends it to an address, each time by another way. Where a way needs
 * two programs, the second one is "courier", a copy under another name and so an app of its own,
 * which is started while the mover holds nothing. The two wake each other by signals, for a byte
 * that they exchanged would carry a label, and the test would see that one.
 *
 * What was sent is told by the name of an empty file in the folder "said": who reads what such a
 * program wrote is labelled, also the scenario.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <sys/types.h>

#define MOVER_BYTES_MAX 65536

struct errand {
	const char *way;
	const char *source;
	const char *copy; /* a file that is made on the way */
	struct sockaddr_in to;
	char to_text[32]; /* as it was given: ADDRESS:PORT */
};

struct mover_way {
	const char *name;
	/* Both return the bytes that this program sent to errand->to. */
	long (*move)(const struct errand *errand);
	/* The courier's part, or NULL; argument is what mover_start_courier() was given. */
	long (*carry)(const struct errand *errand, long argument);
};

/* Each ends with a NULL name. */
extern const struct mover_way mover_file_ways[], mover_memory_ways[], mover_passing_ways[],
	mover_network_ways[], mover_ring_ways[];

/* Where data lies: at the same place in a child, until it executes something. */
extern char mover_data[MOVER_BYTES_MAX];

/* Says that the way cannot be gone when errno says that this kernel refuses or lacks it, or
 * complains of what failed; ends the program. */
void mover_fail(const char *what) __attribute__((noreturn));
/* Fails when value is negative; otherwise the value. */
long mover_must(long value, const char *what);

int mover_open_source(const struct errand *errand);
/* Into mover_data, by one read; how much it was. */
size_t mover_read_source(const struct errand *errand);
size_t mover_source_bytes(const struct errand *errand);
int mover_make_copy(const struct errand *errand);
/* A TCP connection to errand->to. */
int mover_connect(const struct errand *errand);
/* By write(); the sum of what it returned. */
long mover_send(int fd, const char *data, size_t bytes);
/* Opens the file, reads it and sends it over a connection of its own. */
long mover_send_file(const struct errand *errand, const char *path);
/* Reads the descriptor to its end, or so many bytes, and sends that. */
long mover_send_from(const struct errand *errand, int fd, size_t bytes);

/* Its carry() begins at once; what it waits for is its own business. */
pid_t mover_start_courier(const struct errand *errand, long argument);
/* Waits for the courier's end, which must be a good one. */
void mover_wait_for_courier(pid_t courier);
void mover_wake(pid_t other);
/* Until another one calls mover_wake(). */
void mover_sleep(void);

#endif
