/* SPDX-License-Identifier: GPL-2.0-only */
#include "scenarios/mover/mover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 20

char mover_data[MOVER_BYTES_MAX];

static const struct mover_way *const families[] = {
	mover_file_ways, mover_memory_ways, mover_passing_ways, mover_network_ways, mover_ring_ways,
};
static const char *current_way; /* set once, by main */

static void say(const char *what)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "said/%s.%s.%d", current_way, what, (int)getpid());
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	close(fd);
}

void mover_fail(const char *what)
{
	int error = errno;
	char text[64];

	fprintf(stderr, "%s: %s: %s\n", current_way, what, strerror(error));
	if (error != EPERM && error != ENOSYS && error != EOPNOTSUPP && error != EACCES)
		exit(1);
	snprintf(text, sizeof(text), "refused-%s", strerrorname_np(error));
	say(text);
	exit(0);
}

long mover_must(long value, const char *what)
{
	if (value < 0)
		mover_fail(what);
	return value;
}

int mover_open_source(const struct errand *errand)
{
	return (int)mover_must(open(errand->source, O_RDONLY | O_CLOEXEC), errand->source);
}

size_t mover_source_bytes(const struct errand *errand)
{
	struct stat info;

	mover_must(stat(errand->source, &info), errand->source);
	return (size_t)info.st_size;
}

size_t mover_read_source(const struct errand *errand)
{
	int fd = mover_open_source(errand);
	long n = mover_must(read(fd, mover_data, sizeof(mover_data)), "read");

	close(fd);
	return (size_t)n;
}

int mover_make_copy(const struct errand *errand)
{
	return (int)mover_must(open(errand->copy, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644),
			       errand->copy);
}

int mover_connect(const struct errand *errand)
{
	int fd = (int)mover_must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	mover_must(connect(fd, (const struct sockaddr *)&errand->to, sizeof(errand->to)),
		   "connect");
	return fd;
}

long mover_send(int fd, const char *data, size_t bytes)
{
	size_t sent = 0;

	while (sent < bytes)
		sent += (size_t)mover_must(write(fd, data + sent, bytes - sent), "write");
	return (long)sent;
}

long mover_send_from(const struct errand *errand, int fd, size_t bytes)
{
	int to = mover_connect(errand);
	size_t moved = 0;
	long n;

	while (moved < bytes && (n = mover_must(read(fd, mover_data, sizeof(mover_data)), "read")))
		moved += (size_t)mover_send(to, mover_data, (size_t)n);
	return (long)moved;
}

long mover_send_file(const struct errand *errand, const char *path)
{
	int fd = (int)mover_must(open(path, O_RDONLY | O_CLOEXEC), path);
	long sent = mover_send_from(errand, fd, SIZE_MAX);

	close(fd);
	return sent;
}

pid_t mover_start_courier(const struct errand *errand, long argument)
{
	char number[24];
	pid_t pid;

	snprintf(number, sizeof(number), "%ld", argument);
	pid = (pid_t)mover_must(fork(), "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("./courier", "courier", errand->way, errand->source, errand->to_text, number,
		      NULL);
		_exit(127);
	}
	return pid;
}

void mover_wait_for_courier(pid_t courier)
{
	int status;

	mover_must(waitpid(courier, &status, 0), "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "%s: the courier ended badly (%x)\n", current_way, status);
		exit(1);
	}
}

void mover_wake(pid_t other)
{
	mover_must(kill(other, SIGUSR1), "kill");
}

void mover_sleep(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &number);
}

static const struct mover_way *find_way(const char *name)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (const struct mover_way *way = families[i]; way->name; way++)
			if (strcmp(way->name, name) == 0)
				return way;
	fprintf(stderr, "mover: no way is called %s\n", name);
	exit(2);
}

static int list_ways(void)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (const struct mover_way *way = families[i]; way->name; way++)
			puts(way->name);
	return 0;
}

static struct errand read_errand(char **arguments)
{
	static char copy[64], host[32];
	struct errand errand = {.way = arguments[0], .source = arguments[1], .copy = copy};
	const char *colon = strchr(arguments[2], ':');

	snprintf(copy, sizeof(copy), "%s.copy", arguments[0]);
	snprintf(errand.to_text, sizeof(errand.to_text), "%s", arguments[2]);
	snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - arguments[2]) : 0, arguments[2]);
	errand.to.sin_family = AF_INET;
	errand.to.sin_port = htons((uint16_t)(colon ? atoi(colon + 1) : 0));
	if (inet_pton(AF_INET, host, &errand.to.sin_addr) != 1 || errand.to.sin_port == 0) {
		fprintf(stderr, "mover: %s is no ADDRESS:PORT\n", arguments[2]);
		exit(2);
	}
	return errand;
}

/* Blocked in the courier, too: what wakes it may come before it sleeps. */
static void block_wakes(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(PATIENCE_S); /* the other one may be gone */
}

int main(int argc, char **argv)
{
	const struct mover_way *way;
	struct errand errand;
	char text[24];

	if (argc == 2 && strcmp(argv[1], "--ways") == 0)
		return list_ways();
	if (argc != 4 && argc != 5) {
		fputs("usage: mover WAY SOURCE ADDRESS:PORT | mover --ways\n", stderr);
		return 2;
	}
	way = find_way(argv[1]);
	current_way = way->name;
	errand = read_errand(argv + 1);
	block_wakes();
	snprintf(text, sizeof(text), "%ld",
		 argc == 5 ? way->carry(&errand, atol(argv[4])) : way->move(&errand));
	say(text);
	return 0;
}
