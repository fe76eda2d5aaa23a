/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/volumes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mountinfo.h"

/* Asked for one device; a machine has one for each service that is shut in and each container. */
#define NAMESPACES_MAX 256

DEFINE_CLEANUP(closedir_cleanup, DIR, closedir)

enum place {
	MOUNTED, /* here, now */
	GONE,    /* here, before */
	OTHERS,  /* in another mount namespace, when it was last asked */
};

struct entry {
	enum place place;
	uint64_t mount_id;
	bool is_volume; /* else it is known to be of no interest */
	struct volume volume;
};

struct volumes {
	struct volumes_config config;
	struct entry *entries; /* those that went first stand first */
	size_t n_entries;
	uint32_t *plain; /* devices that are mounted here and of no interest */
	size_t n_plain;
	struct volume found; /* what is not kept */
};

struct list {
	struct entry *entries;
	size_t n_entries;
	uint32_t *plain;
	size_t n_plain;
};

static int add(struct list *list, const struct entry *entry)
{
	struct entry *grown = reallocarray(list->entries, list->n_entries + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->entries = grown;
	grown[list->n_entries++] = *entry;
	return 0;
}

static struct entry *find(const struct list *list, enum place place, uint32_t dev)
{
	for (size_t i = list->n_entries; i > 0; i--) {
		struct entry *entry = &list->entries[i - 1];

		if (entry->place == place && entry->volume.dev == dev)
			return entry;
	}
	return NULL;
}

static int add_plain(struct list *list, uint32_t dev)
{
	uint32_t *grown = reallocarray(list->plain, list->n_plain + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->plain = grown;
	grown[list->n_plain++] = dev;
	return 0;
}

static bool is_plain(const struct list *list, uint32_t dev)
{
	for (size_t i = 0; i < list->n_plain; i++)
		if (list->plain[i] == dev)
			return true;
	return false;
}

static struct list list_of(const struct volumes *volumes)
{
	return (struct list){volumes->entries, volumes->n_entries, volumes->plain,
			     volumes->n_plain};
}

/* What is known already is not looked at again: a disk may have been pulled out of its socket, and
 * is still mounted. */
static int take_mount(const struct volumes *volumes, const struct mountinfo *mount,
		      struct list *list)
{
	const struct list before = list_of(volumes);
	struct entry fresh = {.place = MOUNTED, .mount_id = mount->id}, *known;
	int r;

	if (find(list, MOUNTED, mount->dev))
		return 0;
	known = find(&before, MOUNTED, mount->dev);
	if (known && known->mount_id == mount->id)
		return add(list, known);
	r = volume_of_mount(&volumes->config.roots, mount, &fresh.volume);
	if (r == 0)
		return add_plain(list, mount->dev);
	fresh.is_volume = true;
	return r < 0 ? r : add(list, &fresh);
}

static int read_mounts(const struct volumes *volumes, struct list *list)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	char *line, *rest;
	int r;

	if (asprintf(&path, "%s/self/mountinfo", volumes->config.proc) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = file_read_all(path, MOUNTINFO_MAX_BYTES, &text, NULL);
	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &rest); r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct mountinfo mount;

		if (mountinfo_parse(line, &mount))
			r = take_mount(volumes, &mount, list);
	}
	return r;
}

/* Whether an entry is of a volume that was here and is no more: its number has no other owner. */
static bool has_gone(const struct entry *entry, const struct list *now)
{
	return entry->place != OTHERS && !find(now, MOUNTED, entry->volume.dev) &&
	       !is_plain(now, entry->volume.dev);
}

/* Those that went stand in front of those that are there, oldest first. */
static int take_gone(const struct volumes *volumes, const struct list *now, struct list *list)
{
	size_t n_gone = 0;
	int r = 0;

	for (size_t i = 0; i < volumes->n_entries; i++)
		n_gone += has_gone(&volumes->entries[i], now);
	for (size_t i = 0; i < volumes->n_entries && r == 0; i++) {
		struct entry gone = volumes->entries[i];

		if (!has_gone(&gone, now) || n_gone-- > VOLUMES_GONE_MAX)
			continue;
		gone.place = GONE;
		r = add(list, &gone);
	}
	return r;
}

int volumes_refresh(struct volumes *volumes)
{
	struct list now = {}, all = {};
	int r = read_mounts(volumes, &now);

	if (r == 0)
		r = take_gone(volumes, &now, &all);
	for (size_t i = 0; i < now.n_entries && r == 0; i++)
		r = add(&all, &now.entries[i]);
	free(now.entries);
	if (r < 0) {
		free(now.plain);
		free(all.entries);
		return r;
	}
	free(volumes->entries);
	free(volumes->plain);
	volumes->entries = all.entries;
	volumes->n_entries = all.n_entries;
	volumes->plain = now.plain;
	volumes->n_plain = now.n_plain;
	return 0;
}

int volumes_new(const struct volumes_config *config, struct volumes **ret_volumes)
{
	_cleanup_(volumes_freep) struct volumes *volumes = calloc(1, sizeof(*volumes));
	int r;

	if (!volumes)
		return -ENOMEM;
	volumes->config = *config;
	r = volumes_refresh(volumes);
	if (r < 0)
		return r;
	*ret_volumes = TAKE(volumes);
	return 0;
}

void volumes_free(struct volumes *volumes)
{
	if (!volumes)
		return;
	free(volumes->entries);
	free(volumes->plain);
	free(volumes);
}

void volumes_forget_others(struct volumes *volumes)
{
	size_t n = 0;

	for (size_t i = 0; i < volumes->n_entries; i++)
		if (volumes->entries[i].place != OTHERS)
			volumes->entries[n++] = volumes->entries[i];
	volumes->n_entries = n;
}

/* Whether the process sees such a mount; *entry then says what it is. */
static bool ask_process(const struct volumes *volumes, const char *pid, struct entry *entry)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	uint32_t dev = entry->volume.dev;
	char *line, *rest;

	if (asprintf(&path, "%s/%s/mountinfo", volumes->config.proc, pid) < 0) {
		path = NULL;
		return false;
	}
	if (file_read_all(path, MOUNTINFO_MAX_BYTES, &text, NULL) < 0)
		return false;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct mountinfo mount;

		if (!mountinfo_parse(line, &mount) || mount.dev != dev)
			continue;
		entry->is_volume =
			volume_of_mount(&volumes->config.roots, &mount, &entry->volume) == 1;
		/* Who is root in a namespace of his own is not the machine's administrator. */
		entry->volume.is_claimed = true;
		return true;
	}
	return false;
}

struct namespaces {
	ino_t inos[NAMESPACES_MAX];
	size_t n;
};

/* Whether the mount namespace of a process is one that was not met before; it then was. */
static bool is_new_namespace(const struct volumes *volumes, const char *pid, struct namespaces *met)
{
	char path[PATH_MAX];
	struct stat info;

	if (snprintf(path, sizeof(path), "%s/%s/ns/mnt", volumes->config.proc, pid) >=
		    (int)sizeof(path) ||
	    stat(path, &info) < 0)
		return false;
	for (size_t i = 0; i < met->n; i++)
		if (met->inos[i] == info.st_ino)
			return false;
	if (met->n == NAMESPACES_MAX)
		return false;
	met->inos[met->n++] = info.st_ino;
	return true;
}

/* Whoever copied a file is mostly gone by now, but not all who see what he saw. */
static bool ask_all(const struct volumes *volumes, struct entry *entry)
{
	_cleanup_(closedir_cleanup) DIR *processes = opendir(volumes->config.proc);
	struct namespaces met = {};
	const struct dirent *process;

	(void)is_new_namespace(volumes, "self", &met);
	while (processes && (process = readdir(processes)))
		if (isdigit((unsigned char)process->d_name[0]) &&
		    is_new_namespace(volumes, process->d_name, &met) &&
		    ask_process(volumes, process->d_name, entry))
			return true;
	return false;
}

/* Of a device that is not mounted here: in another namespace, not any more, or never seen. */
static void look_elsewhere(const struct volumes *volumes, uint32_t pid, struct entry *entry)
{
	char name[16];
	const struct list list = list_of(volumes);
	uint32_t dev = entry->volume.dev;
	const struct entry *gone;

	snprintf(name, sizeof(name), "%u", pid);
	if (ask_process(volumes, name, entry) || ask_all(volumes, entry))
		return;
	gone = find(&list, GONE, dev);
	if (gone) {
		entry->is_volume = gone->is_volume;
		entry->volume = gone->volume;
	} else if (dev >> 20) {
		entry->is_volume = volume_of_disk(&volumes->config.roots, dev, &entry->volume) == 1;
	}
}

const struct volume *volumes_find(struct volumes *volumes, uint32_t dev, uint32_t pid)
{
	struct list list = list_of(volumes);
	const struct entry *entry = find(&list, MOUNTED, dev);
	struct entry asked = {.place = OTHERS, .volume.dev = dev};

	if (!entry && is_plain(&list, dev))
		return NULL;
	if (!entry)
		entry = find(&list, OTHERS, dev);
	if (entry)
		return entry->is_volume ? &entry->volume : NULL;
	look_elsewhere(volumes, pid, &asked);
	if (add(&list, &asked) == 0) {
		volumes->entries = list.entries;
		volumes->n_entries = list.n_entries;
	}
	volumes->found = asked.volume;
	return asked.is_volume ? &volumes->found : NULL;
}

const struct volume *volumes_find_node(struct volumes *volumes, const char *path, uint64_t ino)
{
	struct stat info;
	int r = 0;

	if (lstat(path, &info) < 0 || info.st_ino != ino)
		return NULL;
	if (S_ISBLK(info.st_mode))
		r = volume_of_disk(&volumes->config.roots, file_kernel_dev(info.st_rdev),
				   &volumes->found);
	else if (S_ISCHR(info.st_mode))
		r = volume_of_character(&volumes->config.roots, file_kernel_dev(info.st_rdev),
					&volumes->found);
	return r == 1 ? &volumes->found : NULL;
}
