/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/scan/scan_obstacle.h"
#include "base/cleanup.h"

struct scan_process {
	pid_t pid;
	int fd;
	uint32_t n_rules;
};

/* In the child, between fork and exec. */
static void become_worker(const char *program, int socket_fd)
{
	static char name[] = "weir-agent", argument[] = SCAN_WORKER_ARGUMENT;
	char *const arguments[] = {name, argument, NULL}, *const environment[] = {NULL};

	/* dup3 to itself would leave close-on-exec on. */
	if (socket_fd == SCAN_WORKER_FD)
		socket_fd = dup(socket_fd);
	if (dup2(socket_fd, SCAN_WORKER_FD) == SCAN_WORKER_FD &&
	    close_range(SCAN_WORKER_FD + 1, ~0u, 0) == 0)
		execve(program, arguments, environment);
	_exit(EXIT_FAILURE);
}

static int start(struct scan_process *process, const char *program)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	process->fd = pair[0];
	process->pid = fork();
	if (process->pid == 0)
		become_worker(program, pair[1]);
	close(pair[1]);
	return process->pid < 0 ? -errno : 0;
}

int scan_process_new(const char *program, const struct scan_hello *hello,
		     struct scan_process **ret_process)
{
	_cleanup_(scan_process_freep) struct scan_process *process = calloc(1, sizeof(*process));
	int r;

	if (!process)
		return -ENOMEM;
	process->fd = -1;
	process->pid = -1;
	process->n_rules = hello->n_rules;
	r = start(process, program);
	if (r == 0 && send(process->fd, hello, sizeof(*hello), MSG_NOSIGNAL) != sizeof(*hello))
		r = -errno;
	if (r == 0)
		*ret_process = TAKE(process);
	return r;
}

void scan_process_free(struct scan_process *process)
{
	if (process->pid > 0) {
		kill(process->pid, SIGKILL);
		while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (process->fd >= 0)
		close(process->fd);
	free(process);
}

int scan_process_fd(const struct scan_process *process)
{
	return process->fd;
}

int scan_process_send(struct scan_process *process, const struct scan_request *request, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec part = {.iov_base = (void *)request, .iov_len = sizeof(*request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(process->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int check(const struct scan_process *process, const struct scan_answer *answer, size_t size)
{
	uint64_t n = 0;

	if (size < scan_answer_bytes(0) || answer->n_fingerprints > SCAN_MAX_FINGERPRINTS ||
	    size != scan_answer_bytes(answer->n_fingerprints) ||
	    answer->obstacles & ~SCAN_ALL_OBSTACLES)
		return -EBADMSG;
	for (size_t i = 0; i < POLICY_MAX_RECORDS; i++) {
		n += answer->n_given[i];
		if (answer->n_found[i] > SCAN_SET_MAX || answer->n_given[i] > answer->n_found[i] ||
		    (i >= process->n_rules && answer->n_found[i] > 0))
			return -EBADMSG;
	}
	return n == answer->n_fingerprints ? 1 : -EBADMSG;
}

int scan_process_receive(struct scan_process *process, struct scan_answer *ret_answer)
{
	ssize_t n;

	do
		n = recv(process->fd, ret_answer, sizeof(*ret_answer), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -EPIPE;
	return n == 0 ? -EPIPE : check(process, ret_answer, (size_t)n);
}
