/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/disk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"

#define ATTRIBUTE_MAX_BYTES 4096 /* a page: sysfs_emit(), fs/sysfs/file.c */
#define LAYERS_MAX 8             /* a loop on a volume on an array on a partition ... */

DEFINE_CLEANUP(closedir_cleanup, DIR, closedir)

struct walk {
	const char *sysfs;
	size_t root_bytes; /* of what no walk upwards leaves */
	struct disk *disk;
	unsigned int n_layers;
};

static int read_layer(struct walk *walk, uint32_t dev);

void disk_copy_text(const char *from, char *to, unsigned int size)
{
	unsigned int used = 0;

	for (; *from && used + 1 < size; from++) {
		unsigned char byte = (unsigned char)*from;

		if (byte <= ' ' || byte == 0x7f) {
			if (used > 0 && to[used - 1] != ' ')
				to[used++] = ' ';
		} else {
			to[used++] = byte < 0x7f ? (char)byte : '?';
		}
	}
	while (used > 0 && to[used - 1] == ' ')
		used--;
	to[used] = '\0';
}

/* Leaves text as it is when the device has no such attribute, or an empty one. */
static bool read_text(const char *folder, const char *name, char text[static DISK_TEXT_BYTES])
{
	_cleanup_free_ char *path = NULL, *data = NULL;
	char cleaned[DISK_TEXT_BYTES];

	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return false;
	}
	if (file_read_all(path, ATTRIBUTE_MAX_BYTES, &data, NULL) < 0)
		return false;
	disk_copy_text(data, cleaned, sizeof(cleaned));
	if (!cleaned[0])
		return false;
	memcpy(text, cleaned, sizeof(cleaned));
	return true;
}

static bool says(const char *folder, const char *name, const char *expected)
{
	char text[DISK_TEXT_BYTES] = "";

	return read_text(folder, name, text) && strcmp(text, expected) == 0;
}

static bool has(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static bool is_of_bus(const char *folder, const char *bus)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t size;

	if (snprintf(link, sizeof(link), "%s/subsystem", folder) >= (int)sizeof(link))
		return false;
	size = readlink(link, target, sizeof(target) - 1);
	if (size <= 0)
		return false;
	target[size] = '\0';
	name = strrchr(target, '/');
	return strcmp(name ? name + 1 : target, bus) == 0;
}

/* A stick, not its interface; ids where the maker left the names out. */
static bool read_usb(const char *folder, struct disk *disk)
{
	if (!has(folder, "idVendor") || !is_of_bus(folder, "usb"))
		return false;
	disk->kind = "usb";
	if (!read_text(folder, "manufacturer", disk->vendor) && !disk->vendor[0])
		read_text(folder, "idVendor", disk->vendor);
	if (!read_text(folder, "product", disk->model) && !disk->model[0])
		read_text(folder, "idProduct", disk->model);
	read_text(folder, "serial", disk->serial);
	return true;
}

/* eMMC is of the same bus, and soldered in. Documentation/driver-api/mmc/mmc-dev-attrs.rst */
static bool read_mmc(const char *folder, struct disk *disk)
{
	if (!is_of_bus(folder, "mmc") || !has(folder, "cid"))
		return false;
	if (says(folder, "type", "SD"))
		disk->kind = "mmc";
	read_text(folder, "manfid", disk->vendor);
	read_text(folder, "name", disk->model);
	read_text(folder, "serial", disk->serial);
	return true;
}

static bool read_firewire(const char *folder, struct disk *disk)
{
	if (!is_of_bus(folder, "firewire") || !has(folder, "guid"))
		return false;
	disk->kind = "firewire";
	read_text(folder, "vendor_name", disk->vendor);
	read_text(folder, "model_name", disk->model);
	read_text(folder, "guid", disk->serial);
	return true;
}

/* Behind a port that faces outwards: Documentation/ABI/testing/sysfs-devices-removable */
static bool read_outside(const char *folder, struct disk *disk)
{
	if (!is_of_bus(folder, "pci") || !says(folder, "removable", "removable"))
		return false;
	disk->kind = "thunderbolt";
	return true;
}

/* Everything that the disk hangs on, from itself to the root of all devices. */
static void walk_up(const struct walk *walk, char *folder)
{
	for (char *slash; strlen(folder) > walk->root_bytes; *slash = '\0') {
		if (read_usb(folder, walk->disk) || read_mmc(folder, walk->disk) ||
		    read_firewire(folder, walk->disk) || read_outside(folder, walk->disk))
			return;
		slash = strrchr(folder, '/');
		if (!slash)
			return;
	}
}

static void read_whole(const struct walk *walk, char *folder)
{
	char path[PATH_MAX];
	struct disk *disk = walk->disk;

	/* SCSI calls a CD drive type 5 (SPC-4, table 148). */
	if (says(folder, "removable", "1"))
		disk->kind = says(folder, "device/type", "5") ? "optical" : "disk";
	if (snprintf(path, sizeof(path), "%s/device", folder) < (int)sizeof(path)) {
		read_text(path, "vendor", disk->vendor);
		read_text(path, "model", disk->model);
		read_text(path, "serial", disk->serial);
	}
	walk_up(walk, folder);
}

static int read_dev_file(const char *folder, const char *name, uint32_t *ret_dev)
{
	char path[PATH_MAX], text[DISK_TEXT_BYTES] = "";
	unsigned int major, minor;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) ||
	    !read_text(path, "dev", text) || sscanf(text, "%u:%u", &major, &minor) != 2)
		return -ENOENT;
	*ret_dev = major << 20 | minor;
	return 0;
}

/* Several disks may lie below a volume; one that can be carried away decides. */
static int read_slaves(struct walk *walk, const char *folder)
{
	char path[PATH_MAX];
	_cleanup_(closedir_cleanup) DIR *slaves = NULL;
	const struct dirent *entry;
	int r = -ENOENT;

	if (snprintf(path, sizeof(path), "%s/slaves", folder) >= (int)sizeof(path))
		return -ENOENT;
	slaves = opendir(path);
	while (slaves && (entry = readdir(slaves)) && !*walk->disk->kind) {
		uint32_t dev;

		if (entry->d_name[0] == '.' || read_dev_file(path, entry->d_name, &dev) < 0)
			continue;
		if (read_layer(walk, dev) == 0)
			r = 0;
	}
	return r;
}

/* The file that a loop device stands for lies on a disk itself. */
static int read_backing(struct walk *walk, const char *folder)
{
	_cleanup_free_ char *path = NULL, *file = NULL;
	struct stat info;
	int r;

	if (asprintf(&path, "%s/loop/backing_file", folder) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = file_read_all(path, ATTRIBUTE_MAX_BYTES, &file, NULL);
	if (r < 0)
		return r;
	file[strcspn(file, "\n")] = '\0';
	if (stat(file, &info) < 0)
		return -errno;
	return read_layer(walk, file_kernel_dev(info.st_dev));
}

static int read_layer(struct walk *walk, uint32_t dev)
{
	char link[PATH_MAX], *slash;
	_cleanup_free_ char *folder = NULL;

	if (walk->n_layers++ >= LAYERS_MAX)
		return -ELOOP;
	if (snprintf(link, sizeof(link), "%s/dev/block/%u:%u", walk->sysfs, dev >> 20,
		     dev & 0xfffff) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	folder = realpath(link, NULL);
	if (!folder)
		return -errno;
	slash = strrchr(folder, '/');
	if (has(folder, "partition") && slash)
		*slash = '\0';
	if (read_slaves(walk, folder) < 0 && read_backing(walk, folder) < 0)
		read_whole(walk, folder);
	return 0;
}

int disk_read(const char *sysfs, uint32_t dev, struct disk *ret_disk)
{
	_cleanup_free_ char *root = realpath(sysfs, NULL);
	struct disk disk = {.kind = ""};
	struct walk walk = {.sysfs = sysfs, .disk = &disk};
	int r;

	if (!root)
		return -errno;
	walk.root_bytes = strlen(root);
	r = read_layer(&walk, dev);
	if (r < 0)
		return r;
	*ret_disk = disk;
	return 0;
}
