/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * TLS libraries that labelled apps have loaded: uprobes on the functions that take what is to be
 * encrypted, by inode. So a program that lives for milliseconds is read from its first call on,
 * once another one has brought the library to notice; everybody else who uses it pays for a probe
 * that looks at the app's labels and returns, until nobody has held anything labelled for ten
 * minutes. Links are not pinned: they are gone with the agent.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/weir.skel.h"

#define REST_NS 600000000000ull

enum entry {
	RETURNED, /* the function returns how many bytes it took */
	COUNTED,  /* the fourth argument says where they are counted */
	LAYERED,  /* NSPR: only what a layer of it takes */
	N_ENTRIES
};

struct function {
	const char *library; /* how its file's name begins */
	const char *name;
	enum entry entry;
};

static const struct function functions[] = {
	{"libssl.so", "SSL_write", RETURNED},
	{"libssl.so", "SSL_write_ex", COUNTED},
	{"libgnutls.so", "gnutls_record_send", RETURNED},
	{"libnspr4.so", "PR_Write", LAYERED},
	{"libnspr4.so", "PR_Send", LAYERED},
};

#define N_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

/* A mapping of a library that may be executed. */
struct mapped {
	uint64_t start, end, ino;
	char library[32];
};

static bool is_library(const char *path, const char *library)
{
	const char *slash = strrchr(path, '/');

	return slash && strncmp(slash + 1, library, strlen(library)) == 0;
}

/* A line of /proc/PID/maps. */
static bool parse_mapping(const char *line, struct mapped *ret_mapped)
{
	char permissions[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64 " %n", &ret_mapped->start,
		   &ret_mapped->end, permissions, &ret_mapped->ino, &at) < 4 ||
	    permissions[2] != 'x' || ret_mapped->ino == 0 || line[at] != '/')
		return false;
	for (size_t i = 0; i < N_FUNCTIONS; i++)
		if (is_library(line + at, functions[i].library)) {
			snprintf(ret_mapped->library, sizeof(ret_mapped->library), "%s",
				 functions[i].library);
			return true;
		}
	return false;
}

/* True when it is new; also when there is no room, and then nothing is attached. */
static bool note_library(struct sensor *sensor, const struct stat *info)
{
	for (size_t i = 0; i < sensor->tls.n_libraries; i++)
		if (sensor->tls.libraries[i].ino == info->st_ino &&
		    sensor->tls.libraries[i].dev == info->st_dev)
			return false;
	if (sensor->tls.n_libraries == SENSOR_TLS_LIBRARIES_MAX)
		return false;
	sensor->tls.libraries[sensor->tls.n_libraries++] =
		(struct sensor_tls_library){.dev = info->st_dev, .ino = info->st_ino};
	return true;
}

static bool attach(struct sensor *sensor, const struct bpf_program *program, const char *path,
		   const char *name, bool is_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .func_name = name, .retprobe = is_return);
	struct bpf_link *link;

	if (sensor->tls.n_links == SENSOR_TLS_LINKS_MAX)
		return false;
	link = bpf_program__attach_uprobe_opts(program, -1, path, 0, &options);
	if (!link)
		return false;
	sensor->tls.links[sensor->tls.n_links++] = link;
	return true;
}

/* The return first: what began before it was watched is not known there. */
static int attach_library(struct sensor *sensor, const char *library, const char *path)
{
	const struct bpf_program *entries[N_ENTRIES] = {
		[RETURNED] = sensor->skeleton->progs.tls_enter,
		[COUNTED] = sensor->skeleton->progs.tls_enter_counted,
		[LAYERED] = sensor->skeleton->progs.tls_enter_nspr,
	};
	int n = 0;

	for (size_t i = 0; i < N_FUNCTIONS; i++)
		if (strcmp(functions[i].library, library) == 0)
			n += attach(sensor, sensor->skeleton->progs.tls_exit, path,
				    functions[i].name, true) &&
			     attach(sensor, entries[functions[i].entry], path, functions[i].name,
				    false);
	sensor->tls.attached_ns = clock_boottime_ns();
	return n;
}

/* The very file that is mapped, whatever its name leads to and in whose mount namespace. */
static int watch_mapping(struct sensor *sensor, uint32_t pid, const struct mapped *mapped)
{
	_cleanup_close_ int fd = -1;
	char path[96];
	struct stat info;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/map_files/%" PRIx64 "-%" PRIx64, pid,
		 mapped->start, mapped->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) ||
	    !note_library(sensor, &info))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return attach_library(sensor, mapped->library, path);
}

int sensor_watch_tls(struct sensor *sensor, uint32_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	struct mapped mapped;
	size_t room = 0;
	char path[32];
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	sensor->tls.used_ns = clock_boottime_ns();
	while (getline(&line, &room, file) > 0)
		if (parse_mapping(line, &mapped))
			n += watch_mapping(sensor, pid, &mapped);
	return n;
}

void sensor_rest_tls(struct sensor *sensor)
{
	uint64_t now_ns = clock_boottime_ns();

	if (sensor->state->hot > 0)
		sensor->tls.used_ns = now_ns;
	else if (sensor->tls.n_libraries > 0 && now_ns - sensor->tls.used_ns > REST_NS)
		sensor_unwatch_tls(sensor);
}

size_t sensor_count_tls(const struct sensor *sensor)
{
	return sensor->tls.n_links / 2;
}

void sensor_unwatch_tls(struct sensor *sensor)
{
	for (size_t i = 0; i < sensor->tls.n_links; i++)
		bpf_link__destroy(sensor->tls.links[i]);
	sensor->tls.n_links = sensor->tls.n_libraries = 0;
}
