/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_LETTER_H
#define WEIR_TESTS_KERNEL_LETTER_H

/* What the socket calls of a puppet point at: it lies in the puppet's data, behind the rows. */

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "kernel/scene.h"

#define LETTER_MESSAGES 5

struct letter {
	struct sockaddr_un path, names[2];
	struct sockaddr_in peers[LETTER_MESSAGES];
	struct sockaddr_ll link;
	struct sockaddr_nl kernel;
	struct mmsghdr messages[LETTER_MESSAGES];
	struct iovec parts[LETTER_MESSAGES];
	char controls[LETTER_MESSAGES][CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	int fds[2], one;
};

struct letter *letter_of(const struct scene *scene, uint32_t who);

/* Descriptors of the puppet. NAME is of a unix socket in DIR. They stop the test on failure. */
int letter_socket(const struct scene *scene, uint32_t who, int family, int type);
int letter_bound(const struct scene *scene, uint32_t who, int type, const char *name);
int letter_connected(const struct scene *scene, uint32_t who, int type, const char *name);

#endif
