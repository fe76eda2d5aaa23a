/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/kernel_hooks.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "abi.h"
#include "agent/sensor/sensor_private.h"

/* Of this process alone: its children have none. */
static struct {
	char pin_dir[96];
	pid_t owner;
	bool is_registered;
} left;

static void must(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "hooks of the last story: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void empty_hash(int fd, const struct bpf_map_info *info, const char *name)
{
	uint8_t key[512], next[512];
	bool has_key = false;

	must(info->key_size <= sizeof(key), name);
	while (bpf_map_get_next_key(fd, has_key ? key : NULL, next) == 0) {
		/* Gone meanwhile: what looks for its successor begins anew. */
		has_key = bpf_map_delete_elem(fd, next) < 0;
		must(!has_key || errno == ENOENT, name);
		memcpy(key, next, info->key_size);
	}
}

/* At once: some have tens of thousands of places. */
static void empty_array(int fd, const struct bpf_map_info *info, const char *name)
{
	void *zeros = calloc(info->max_entries, info->value_size);
	uint32_t *keys = calloc(info->max_entries, sizeof(*keys)), n = info->max_entries;

	must(zeros && keys, name);
	for (uint32_t i = 0; i < n; i++)
		keys[i] = i;
	must(bpf_map_update_batch(fd, keys, zeros, &n, NULL) == 0, name);
	free(zeros);
	free(keys);
}

/* As if its reader had read all: kernel/bpf/ringbuf.c has the positions in a page of each side. */
static void empty_ring(int fd, const char *name)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned long *reader = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned long *writer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);

	must(reader != MAP_FAILED && writer != MAP_FAILED, name);
	__atomic_store_n(reader, __atomic_load_n(writer, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	munmap(reader, page);
	munmap(writer, page);
}

static void empty_state(int fd)
{
	struct weir_state old, state = {};
	uint32_t zero = 0;

	must(bpf_map_lookup_elem(fd, &zero, &old) == 0, "state");
	state.abi_version = old.abi_version;
	state.bytes = old.bytes;
	state.build = old.build;
	must(bpf_map_update_elem(fd, &zero, &state, BPF_ANY) == 0, "state");
}

static void empty_table(int fd, const char *name)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	must(bpf_obj_get_info_by_fd(fd, &info, &size) == 0, name);
	if (strcmp(name, "state") == 0)
		empty_state(fd);
	else if (info.type == BPF_MAP_TYPE_RINGBUF)
		empty_ring(fd, name);
	else if (info.type == BPF_MAP_TYPE_ARRAY)
		empty_array(fd, &info, name);
	else
		empty_hash(fd, &info, name);
	close(fd);
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int open_pin(const char *pin_dir, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	fd = bpf_obj_get(path);
	must(fd >= 0, path);
	return fd;
}

int kernel_hooks_take_program(int slot)
{
	uint32_t zero = 0, id;
	int program;

	if (bpf_map_lookup_elem(slot, &zero, &id) < 0 && errno == ENOENT)
		return -1;
	program = bpf_prog_get_fd_by_id(id);
	must(program >= 0 && bpf_map_delete_elem(slot, &zero) == 0, "take a program");
	return program;
}

void kernel_hooks_put_program(int slot, int program)
{
	uint32_t zero = 0;

	must(bpf_map_update_elem(slot, &zero, &program, BPF_ANY) == 0, "put a program back");
	close(program);
}

/* While the hooks are blind: who comes between the tables of apps and of processes is in one. */
static void empty_tables(const char *pin_dir)
{
	struct dirent **pins;
	int n = scandir(pin_dir, &pins, NULL, alphasort), *slots, *programs;

	must(n > 0, pin_dir);
	slots = calloc((size_t)n, sizeof(*slots));
	programs = calloc((size_t)n, sizeof(*programs));
	must(slots && programs, pin_dir);
	for (int i = 0; i < n; i++)
		if (has_prefix(pins[i]->d_name, SENSOR_SLOT)) {
			slots[i] = open_pin(pin_dir, pins[i]->d_name);
			programs[i] = kernel_hooks_take_program(slots[i]);
		}
	for (int i = 0; i < n; i++)
		if (pins[i]->d_name[0] != '.' && !slots[i] &&
		    !has_prefix(pins[i]->d_name, SENSOR_LINK))
			empty_table(open_pin(pin_dir, pins[i]->d_name), pins[i]->d_name);
	for (int i = 0; i < n; i++) {
		if (slots[i] && programs[i] >= 0)
			kernel_hooks_put_program(slots[i], programs[i]);
		if (slots[i])
			close(slots[i]);
		free(pins[i]);
	}
	free(pins);
	free(slots);
	free(programs);
}

static void remove_left(void)
{
	if (left.owner == getpid() && left.pin_dir[0])
		sensor_unpin(left.pin_dir);
}

bool kernel_hooks_take(char *ret_pin_dir, size_t size)
{
	if (left.owner != getpid() || !left.pin_dir[0])
		return false;
	empty_tables(left.pin_dir);
	snprintf(ret_pin_dir, size, "%s", left.pin_dir);
	left.pin_dir[0] = '\0';
	return true;
}

void kernel_hooks_leave(const char *pin_dir)
{
	if (left.owner == getpid() && left.pin_dir[0]) {
		sensor_unpin(pin_dir); /* one is enough */
		return;
	}
	snprintf(left.pin_dir, sizeof(left.pin_dir), "%s", pin_dir);
	left.owner = getpid();
	/* Children that a story forked have the registration, too, and nothing to remove. */
	if (!left.is_registered)
		must(atexit(remove_left) == 0, "atexit");
	left.is_registered = true;
}
