/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cgroup_fixture.h"

#define NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWCGROUP)

static void die(const char *what)
{
	perror(what);
	_exit(126);
}

static void enter(const struct container *container, int go_fd, char *const arguments[])
{
	char go;

	if (read(go_fd, &go, 1) != 1)
		_exit(125); /* the runtime has said why */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("private mounts");
	if (container->from && mount(container->from, container->to, NULL, MS_BIND, NULL) < 0)
		die(container->to);
	if (container->output_fd >= 0)
		dup2(container->output_fd, STDOUT_FILENO);
	execv(arguments[0], arguments);
	die(arguments[0]);
}

/* Who is root out here is root in there. */
static int map_root(pid_t pid, const char *map)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, map);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = dprintf(fd, "0 0 1\n") < 0 ? -errno : 0;
	close(fd);
	return r;
}

pid_t container_spawn(const struct container *container, char *const arguments[])
{
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = (pid_t)syscall(SYS_clone, NAMESPACES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(ends[1]);
		enter(container, ends[0], arguments);
	}
	r = pid < 0 ? -errno : 0;
	close(ends[0]);
	if (r == 0)
		r = map_root(pid, "uid_map");
	if (r == 0)
		r = map_root(pid, "gid_map");
	if (r == 0 && container->cgroup)
		r = cgroup_fixture_move(container->cgroup, pid);
	if (r == 0 && write(ends[1], "g", 1) != 1)
		r = -errno;
	close(ends[1]);
	if (r < 0 && pid > 0)
		waitpid(pid, NULL, 0);
	return r < 0 ? r : pid;
}

int container_read_number(int fd)
{
	char text[16] = "";
	size_t used = 0;

	while (used + 1 < sizeof(text) && read(fd, text + used, 1) == 1 && text[used] != '\n')
		used++;
	return atoi(text);
}

pid_t container_start(const struct container *container, char *const arguments[], int *ret_own_pid)
{
	struct container heard = *container;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	heard.output_fd = ends[1];
	pid = container_spawn(&heard, arguments);
	close(ends[1]);
	*ret_own_pid = pid > 0 ? container_read_number(ends[0]) : 0;
	if (pid > 0 && container_read_number(ends[0]) != 0)
		pid = -EPROTO;
	close(ends[0]);
	return pid;
}

/* ---- what the actors do ------------------------------------------------------ */

/* Says its pid as it knows it, reads the file, falls silent and stays. */
static int stay(const char *path)
{
	char data[100];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dprintf(STDOUT_FILENO, "%d\n", getpid());
	if (strcmp(path, CONTAINER_NONE) != 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, data, sizeof(data)) != sizeof(data))
			return 1;
	}
	close(STDOUT_FILENO);
	for (;;)
		pause();
}

/* When it is told to, starts itself in a container, says the pid of that, and stays. */
static int launch(const char *cgroup, char *path)
{
	char own_path[128] = "", *arguments[] = {own_path, "stay", path, NULL};
	const struct container container = {.cgroup = strcmp(cgroup, CONTAINER_NONE) != 0 ? cgroup
											  : NULL};
	int signal_number, own_pid;
	sigset_t told;

	if (readlink("/proc/self/exe", own_path, sizeof(own_path) - 1) < 0)
		return 1;
	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigprocmask(SIG_BLOCK, &told, NULL);
	dprintf(STDOUT_FILENO, "%d\n", getpid());
	sigwait(&told, &signal_number);
	dprintf(STDOUT_FILENO, "%d\n", container_start(&container, arguments, &own_pid));
	for (;;)
		pause();
}

int container_main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "stay") == 0)
		return stay(argv[2]);
	if (argc == 4 && strcmp(argv[1], "launch") == 0)
		return launch(argv[2], argv[3]);
	return 2;
}
