/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_RING_ACT_H
#define WEIR_TESTS_KERNEL_RING_ACT_H

/* What the acts of ring_acts.h are made of. An act gets SOURCE, TARGET and EXECUTABLE and returns
 * an exit status. */

#include <netinet/in.h>

#include "kernel/ring.h"

#define RING_ACT_BYTES 3000

/* Ends the act, which this kernel has not what it needs for. */
void ring_act_need(bool is_so);
struct ring ring_act_open(uint32_t entries);
struct io_uring_sqe *ring_act_ask(struct ring *ring, uint8_t operation, int fd, const void *at,
				  uint32_t bytes);
/* The end of an act that moved so many bytes, or -errno. */
int ring_act_tell(long moved);
/* From "HOST:PORT"; cuts it. */
struct sockaddr_in ring_act_address(char *target);

/* Acts of messages. Through one unconnected socket two datagrams, one byte apart, the first to
 * "HOST:PORT" in TARGET, the second to the port above: by SENDMSG, or by SEND. */
int ring_act_datagrams(char **argv);
int ring_act_sends(char **argv);
/* One datagram to "HOST:PORT", in whose place another stands before it is sent. */
int ring_act_changed(char **argv);
/* A connection to "HOST:PORT" that is made by its first message; what is received on it. */
int ring_act_asks(char **argv);
/* Unix datagrams to the name of a socket: from one that is not connected, and, one byte less, from
 * one that is connected to another; both are received. */
int ring_act_letters(char **argv);

/* Acts of buffers that the kernel chooses among. One SEND to "HOST:PORT" of all that there are; one
 * that is told of only if it fails; and one of many buffers that is told of likewise. */
int ring_act_bundle(char **argv);
int ring_act_bundle_datagrams(char **argv);
int ring_act_silent_buffer(char **argv);
int ring_act_silent_vectors(char **argv);
/* Three messages, each a byte shorter, by one RECV, by one RECVMSG with room for a name and for
 * what comes along, and, from a pipe, by one READ_MULTISHOT. */
int ring_act_multishot(char **argv);
int ring_act_multishot_message(char **argv);
int ring_act_multishot_read(char **argv);
/* As the first, while another ring says that a request of this name is complete. */
int ring_act_forged(char **argv);
/* Somebody who read the source writes it into a socket. Another app, EXECUTABLE, waits for that by
 * one of three requests of one name, and writes what it got. */
int ring_act_alike(char **argv);
int ring_act_listen_alike(char **argv);

#endif
