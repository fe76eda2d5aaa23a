/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/tables.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/kernel_hooks.h"

#define KEY_BYTES_MAX 64

struct tables {
	char pin_dir[128];
	int processes, apps, objects, label_names;
};

static void die(const char *what)
{
	fprintf(stderr, "tables: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_table(const struct tables *tables, const char *name)
{
	char path[sizeof(tables->pin_dir) + NAME_MAX + 2];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tables->pin_dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(path);
	return fd;
}

struct tables *tables_open(const char *pin_dir)
{
	struct tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		die("memory");
	snprintf(tables->pin_dir, sizeof(tables->pin_dir), "%s", pin_dir);
	tables->processes = open_table(tables, "processes");
	tables->apps = open_table(tables, "apps");
	tables->objects = open_table(tables, "objects");
	tables->label_names = open_table(tables, "label_names");
	return tables;
}

void tables_close(struct tables *tables)
{
	close(tables->processes);
	close(tables->apps);
	close(tables->objects);
	close(tables->label_names);
	free(tables);
}

uint64_t tables_app_of(const struct tables *tables, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uint64_t id;

	return bpf_map_lookup_elem(tables->processes, &key, &id) < 0 ? 0 : id;
}

bool tables_read_app(const struct tables *tables, uint64_t id, struct weir_app *ret_app)
{
	return bpf_map_lookup_elem(tables->apps, &id, ret_app) == 0;
}

struct tables_object *tables_read_objects(const struct tables *tables, size_t *ret_n)
{
	struct tables_object *all = NULL;
	struct weir_object_key key, *last = NULL;
	size_t n = 0, room = 0;

	while (bpf_map_get_next_key(tables->objects, last, &key) == 0) {
		if (n == room) {
			room = room ? 2 * room : 256;
			all = reallocarray(all, room, sizeof(*all));
			if (!all)
				die("memory");
		}
		all[n].key = key;
		if (bpf_map_lookup_elem(tables->objects, &key, &all[n].value) == 0)
			n++;
		last = &key;
	}
	*ret_n = n;
	return all;
}

uint64_t tables_label(const struct tables *tables, const char *class)
{
	struct weir_label label;

	for (uint32_t bit = 0; bit < WEIR_LABELS; bit++)
		if (bpf_map_lookup_elem(tables->label_names, &bit, &label) == 0 &&
		    label.kind == WEIR_LABEL_CLASS &&
		    strncmp(label.name, class, sizeof(label.name)) == 0)
			return UINT64_C(1) << bit;
	errno = ENOENT;
	die(class);
	return 0;
}

size_t tables_count(const struct tables *tables, const char *name)
{
	char keys[2][KEY_BYTES_MAX], *last = NULL;
	int fd = open_table(tables, name);
	size_t n = 0;

	while (bpf_map_get_next_key(fd, last, keys[n & 1]) == 0)
		last = keys[n++ & 1];
	close(fd);
	return n;
}

size_t tables_max(const struct tables *tables, const char *name)
{
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);
	int fd = open_table(tables, name);

	if (bpf_obj_get_info_by_fd(fd, &info, &bytes) < 0)
		die(name);
	close(fd);
	return info.max_entries;
}

/* Before 6.4 it is what the largest size would take at most. */
static uint64_t read_bytes(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		(void)sscanf(line, "memlock: %llu", &bytes);
	if (info)
		fclose(info);
	return bytes;
}

uint64_t tables_print_bytes(const struct tables *tables)
{
	DIR *dir = opendir(tables->pin_dir);
	struct dirent *entry;
	uint64_t sum = 0;

	while (dir && (entry = readdir(dir))) {
		uint64_t bytes;
		int fd;

		if (entry->d_name[0] == '.' || strncmp(entry->d_name, "link_", 5) == 0)
			continue;
		fd = open_table(tables, entry->d_name);
		bytes = read_bytes(fd);
		close(fd);
		sum += bytes;
		if (bytes >= 1 << 20)
			printf("# table %-12s %6.1f MiB\n", entry->d_name,
			       (double)bytes / (1 << 20));
	}
	if (dir)
		closedir(dir);
	printf("# all tables         %6.1f MiB\n", (double)sum / (1 << 20));
	return sum;
}

/* Others on this machine come and go meanwhile: only what stays wrong is. */
#define LOOKS 20
#define LOOK_AGAIN_US 20000

static bool is_alive(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return access(path, F_OK) == 0;
}

static size_t count_dead_processes(const struct tables *tables)
{
	uint32_t key, *last = NULL;
	size_t n = 0;

	while (bpf_map_get_next_key(tables->processes, last, &key) == 0) {
		n += !is_alive(key);
		last = &key;
	}
	return n;
}

static bool has_process(const struct tables *tables, uint64_t app_id)
{
	uint32_t key, *last = NULL;

	while (bpf_map_get_next_key(tables->processes, last, &key) == 0) {
		if (tables_app_of(tables, (pid_t)key) == app_id)
			return true;
		last = &key;
	}
	return false;
}

static size_t count_empty_apps(const struct tables *tables)
{
	uint64_t key, *last = NULL;
	size_t n = 0;
	struct weir_app app;

	while (bpf_map_get_next_key(tables->apps, last, &key) == 0) {
		/* One that ended and was open waits for the sweep that reports it. */
		n += tables_read_app(tables, key, &app) && !app.ended_ns &&
		     !has_process(tables, key);
		last = &key;
	}
	return n;
}

static size_t look(const struct tables *tables, size_t (*count)(const struct tables *))
{
	size_t n = count(tables);

	for (int i = 0; n > 0 && i < LOOKS; i++) {
		usleep(LOOK_AGAIN_US);
		n = count(tables);
	}
	return n;
}

size_t tables_count_dead_processes(const struct tables *tables)
{
	return look(tables, count_dead_processes);
}

size_t tables_count_empty_apps(const struct tables *tables)
{
	return look(tables, count_empty_apps);
}

static int open_slot(const struct tables *tables, const char *hook)
{
	char name[64];

	snprintf(name, sizeof(name), "slot_%s", hook);
	return open_table(tables, name);
}

int tables_take_program(const struct tables *tables, const char *hook)
{
	int slot = open_slot(tables, hook), program = kernel_hooks_take_program(slot);

	if (program < 0)
		die(hook);
	close(slot);
	return program;
}

void tables_put_program(const struct tables *tables, const char *hook, int program_fd)
{
	int slot = open_slot(tables, hook);

	kernel_hooks_put_program(slot, program_fd);
	close(slot);
}
