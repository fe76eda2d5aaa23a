/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_worker.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/scan/scan_file.h"
#include "agent/scan/scan_sandbox.h"
#include "base/cleanup.h"

/* Behind what a person waits for. */
#define NICE 10

static_assert(SCAN_MAX_FINGERPRINTS <= SCAN_SET_MAX_ORDERED, "what is given is in order");

size_t scan_answer_bytes(uint32_t n_fingerprints)
{
	return offsetof(struct scan_answer, fingerprints) + n_fingerprints * sizeof(uint64_t);
}

/* Returns bytes, 0 at the end of the socket, or -errno; *ret_fd is what came along, or -1. */
static ssize_t receive(int socket_fd, void *data, size_t size, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec part = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(socket_fd, &message, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_fd = -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(*ret_fd));
	return n;
}

static void give_fingerprints(const struct scan_set *found, struct scan_answer *answer, size_t rule)
{
	answer->n_found[rule] = found->n_items;
	if (found->n_items > SCAN_MAX_FINGERPRINTS - answer->n_fingerprints)
		return;
	for (size_t i = 0; i < found->n_items; i++)
		answer->fingerprints[answer->n_fingerprints++] = found->order[i];
	answer->n_given[rule] = (uint32_t)found->n_items;
}

static int answer_request(int socket_fd, int file_fd, const struct scan_request *request,
			  struct scan_text *text, size_t n_rules, struct scan_answer *answer)
{
	memset(answer, 0, scan_answer_bytes(0));
	answer->id = request->id;
	answer->obstacles = scan_file(file_fd, request->size, text);
	answer->rows = scan_text_rows(text);
	for (size_t i = 0; i < n_rules; i++)
		give_fingerprints(scan_text_found(text, i), answer, i);
	return send(socket_fd, answer, scan_answer_bytes(answer->n_fingerprints), MSG_NOSIGNAL) < 0
		       ? -errno
		       : 0;
}

static int serve(int socket_fd, struct scan_text *text, size_t n_rules)
{
	_cleanup_free_ struct scan_answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		return -ENOMEM;
	for (;;) {
		_cleanup_close_ int file_fd = -1;
		struct scan_request request;
		ssize_t n = receive(socket_fd, &request, sizeof(request), &file_fd);
		int r;

		if (n <= 0)
			return (int)n;
		if (n != sizeof(request) || file_fd < 0)
			return -EBADMSG;
		r = answer_request(socket_fd, file_fd, &request, text, n_rules, answer);
		if (r < 0)
			return r;
	}
}

static int take_hello(int socket_fd, struct scan_text **ret_text, size_t *ret_n_rules)
{
	struct scan_hello hello;
	int fd = -1, r;

	if (receive(socket_fd, &hello, sizeof(hello), &fd) != sizeof(hello))
		return -EBADMSG;
	r = scan_text_new(hello.rules, hello.n_rules, hello.key, ret_text);
	*ret_n_rules = hello.n_rules;
	explicit_bzero(&hello, sizeof(hello));
	return r;
}

int scan_worker_run(int socket_fd)
{
	const struct scan_sandbox sandbox = SCAN_SANDBOX_DEFAULT;
	_cleanup_(scan_text_freep) struct scan_text *text = NULL;
	size_t n_rules = 0;
	int r;

	/* The agent blocks signals for itself. A limit's signal must get through here; what asks
	 * every process of a service to end must not: an agent that stops still has files read. */
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	r = scan_sandbox_enter(&sandbox);
	if (r == 0)
		r = take_hello(socket_fd, &text, &n_rules);
	if (r == 0)
		r = serve(socket_fd, text, n_rules);
	/* Handlers of libraries that run at exit may want more calls than there are. */
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
