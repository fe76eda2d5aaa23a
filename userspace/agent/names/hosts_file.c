/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/hosts_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/names/answer.h"
#include "base/address.h"
#include "base/cleanup.h"
#include "base/file.h"

#define FILE_MAX_BYTES (1u << 20)

struct host {
	struct in6_addr address;
	char name[ANSWER_NAME_BYTES];
};

struct hosts_file {
	char *path;
	struct stat read; /* as it was when it was read last; zeros: it was not there */
	struct host *hosts;
	size_t n_hosts;
};

int hosts_file_new(const char *path, struct hosts_file **ret_file)
{
	struct hosts_file *file = calloc(1, sizeof(*file));

	if (file)
		file->path = strdup(path);
	if (!file || !file->path) {
		free(file);
		return -ENOMEM;
	}
	hosts_file_reread(file);
	*ret_file = file;
	return 0;
}

void hosts_file_free(struct hosts_file *file)
{
	if (!file)
		return;
	free(file->hosts);
	free(file->path);
	free(file);
}

/* 127.0.0.0/8 and ::1: what is called so is this machine, whatever else it is called. */
static bool is_own(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool copy_name(const char *from, char to[static ANSWER_NAME_BYTES])
{
	size_t size = strlen(from);

	if (size == 0 || size >= ANSWER_NAME_BYTES)
		return false;
	for (size_t i = 0; i <= size; i++) {
		char letter =
			from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];

		if (letter && !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", letter))
			return false;
		to[i] = letter;
	}
	return true;
}

/* Returns 0, also for a line without a host; -ENOMEM. */
static int add_line(struct hosts_file *file, char *line)
{
	char *rest, *text, *name;
	struct host host = {};

	line[strcspn(line, "#")] = '\0';
	text = strtok_r(line, " \t\r", &rest);
	name = text ? strtok_r(NULL, " \t\r", &rest) : NULL;
	if (!name || address_parse(text, &host.address) < 0 || is_own(&host.address) ||
	    !copy_name(name, host.name) || hosts_file_find(file, &host.address))
		return 0;
	/* Doubled at powers of two. */
	if ((file->n_hosts & (file->n_hosts - 1)) == 0) {
		struct host *grown = reallocarray(
			file->hosts, file->n_hosts ? 2 * file->n_hosts : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		file->hosts = grown;
	}
	file->hosts[file->n_hosts++] = host;
	return 0;
}

static void read_lines(struct hosts_file *file, char *text)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (file->n_hosts >= HOSTS_FILE_MAX || add_line(file, line) < 0)
			return;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void hosts_file_reread(struct hosts_file *file)
{
	_cleanup_free_ char *text = NULL;
	struct stat now = {};

	if (stat(file->path, &now) < 0)
		now = (struct stat){};
	if (is_same(&now, &file->read))
		return;
	file->read = now;
	file->n_hosts = 0;
	if (S_ISREG(now.st_mode) && file_read_all(file->path, FILE_MAX_BYTES, &text, NULL) == 0)
		read_lines(file, text);
}

const char *hosts_file_find(const struct hosts_file *file, const struct in6_addr *address)
{
	for (size_t i = 0; i < file->n_hosts; i++)
		if (memcmp(&file->hosts[i].address, address, sizeof(*address)) == 0)
			return file->hosts[i].name;
	return NULL;
}

size_t hosts_file_count(const struct hosts_file *file)
{
	return file->n_hosts;
}
