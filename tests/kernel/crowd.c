/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/kernel_fixture.h"

#define PER_FOLDER 10000
#define MAKERS 2

static void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- those who sleep ---- */

static void sleep_with_files(const char *folder, uint32_t number, int ready_fd)
{
	char path[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/held/%u", folder, number);
	if (open(path, O_RDWR | O_CREAT, 0600) < 0)
		die(path);
	for (int i = 1; i < CROWD_FILES_EACH; i++)
		if (open("/proc/self/exe", O_RDONLY) < 0)
			die("files");
	if (write(ready_fd, "r", 1) != 1)
		die("ready");
	close(ready_fd);
	if (number % CROWD_EXEC_EVERY == 0)
		execl("/bin/sleep", "sleep", "infinity", (char *)NULL);
	for (;;)
		pause();
}

/* "sleep FOLDER PROCESSES CONTROL-FD" */
static int sleep_main(char **argv)
{
	uint32_t processes = (uint32_t)atoi(argv[3]), n_ready = 0;
	char answers[4096];
	int ready[2];
	ssize_t n;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	for (uint32_t i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			sleep_with_files(argv[2], i, ready[1]);
	}
	while (n_ready < processes && (n = read(ready[0], answers, sizeof(answers))) > 0)
		n_ready += (uint32_t)n;
	printf("r");
	fflush(stdout);
	return read(atoi(argv[4]), answers, 1) == 0 ? 0 : 1;
}

void crowd_gather(struct kernel_fixture *fixture, const char *folder, uint32_t processes,
		  struct crowd *ret_crowd)
{
	char count[16], control[16], answer;
	char *arguments[] = {"crowd", "sleep", (char *)folder, count, control, NULL};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	fcntl(ends[0], F_SETFD, 0);
	snprintf(count, sizeof(count), "%u", processes);
	snprintf(control, sizeof(control), "%d", ends[0]);
	ret_crowd->pid = kernel_fixture_spawn(fixture, arguments, &ret_crowd->output);
	ret_crowd->control = ends[1];
	close(ends[0]);
	if (read(ret_crowd->output, &answer, 1) != 1)
		die("the crowd");
}

void crowd_disperse(struct crowd *crowd)
{
	char text[64];

	close(crowd->control);
	kernel_fixture_wait(crowd->pid, crowd->output, text, sizeof(text));
}

/* ---- files ---- */

static void name_file(const char *folder, uint32_t number, char *ret_path, size_t size)
{
	int n = snprintf(ret_path, size, "%s/%u", folder, number / PER_FOLDER);

	if (number % PER_FOLDER == 0 && mkdir(ret_path, 0700) < 0 && errno != EEXIST)
		die(ret_path);
	snprintf(ret_path + n, size - (size_t)n, "/f%u", number);
}

/* "make FOLDER FROM TO" */
static int make_main(char **argv)
{
	char path[256];

	for (uint32_t i = (uint32_t)atoi(argv[3]); i < (uint32_t)atoi(argv[4]); i++) {
		_cleanup_close_ int fd = -1;

		name_file(argv[2], i, path, sizeof(path));
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, "x", 1) != 1)
			die(path);
	}
	return 0;
}

/* "read FOLDER FROM TO" */
static int read_main(char **argv)
{
	char path[256];

	for (uint32_t i = (uint32_t)atoi(argv[3]); i < (uint32_t)atoi(argv[4]); i++) {
		_cleanup_close_ int fd = -1;
		char byte;

		name_file(argv[2], i, path, sizeof(path));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, &byte, 1) != 1)
			die(path);
	}
	return 0;
}

static pid_t spawn(struct kernel_fixture *fixture, const char *role, const char *folder,
		   uint32_t from, uint32_t to, int *ret_output)
{
	char first[16], end[16];
	char *arguments[] = {"crowd", (char *)role, (char *)folder, first, end, NULL};

	snprintf(first, sizeof(first), "%u", from);
	snprintf(end, sizeof(end), "%u", to);
	return kernel_fixture_spawn(fixture, arguments, ret_output);
}

void crowd_make_files(struct kernel_fixture *fixture, const char *folder, uint32_t files)
{
	/* Whole folders each, so that its maker is who makes a folder. */
	uint32_t half = files / 2 / PER_FOLDER * PER_FOLDER;
	int outputs[MAKERS];
	pid_t pids[MAKERS];
	char text[64];

	pids[0] = spawn(fixture, "make", folder, 0, half, &outputs[0]);
	pids[1] = spawn(fixture, "make", folder, half, files, &outputs[1]);
	for (int i = 0; i < MAKERS; i++)
		kernel_fixture_wait(pids[i], outputs[i], text, sizeof(text));
}

void crowd_read_files(struct kernel_fixture *fixture, const char *folder, uint32_t files)
{
	char text[64];
	int output;
	pid_t pid = spawn(fixture, "read", folder, 0, files, &output);

	kernel_fixture_wait(pid, output, text, sizeof(text));
}

int crowd_main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	if (strcmp(argv[1], "sleep") == 0)
		return sleep_main(argv);
	return strcmp(argv[1], "make") == 0 ? make_main(argv) : read_main(argv);
}
