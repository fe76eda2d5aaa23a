/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/kernel_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *path)
{
	fprintf(stderr, "kernel files: %s: %s\n", path, strerror(errno));
	exit(1);
}

void kernel_files_write(const char *path, const void *data, size_t size, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		die(path);
	close(fd);
}

void kernel_files_copy_self(const char *to)
{
	char buffer[65536];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	if (in < 0 || out < 0)
		die(to);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)n) != n)
			die(to);
	close(in);
	close(out);
}

void kernel_files_write_letters(const char *path, size_t size)
{
	char *data = malloc(size);

	if (!data)
		die(path);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)('a' + i % 26);
	kernel_files_write(path, data, size, 0644);
	free(data);
}

static int remove_entry(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
	(void)info;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void kernel_files_remove(const char *folder)
{
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
