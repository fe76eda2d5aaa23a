/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/volume.h"

#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mountinfo.h"

DEFINE_CLEANUP(closedir_cleanup, DIR, closedir)

static const struct {
	const char *kind, *title;
} titles[] = {
	{"usb", "USB disk"},
	{"mmc", "memory card"},
	{"firewire", "FireWire disk"},
	{"thunderbolt", "Thunderbolt disk"},
	{"optical", "optical disk"},
	{"disk", "removable disk"},
	{"phone", "phone"},
	{"nfs", "NFS server"},
	{"smb", "SMB server"},
	{"sshfs", "sshfs server"},
	{"9p", "9p share"},
	{"virtiofs", "virtiofs share"},
	{"cluster", "cluster file system"},
	{"cloud", "cloud storage"},
	{"ftp", "FTP server"},
	{"printer", "printer"},
	{"serial", "serial line"},
	{"bluetooth", "Bluetooth"},
};

static const struct {
	const char *type, *kind;
} network_types[] = {
	{"nfs", "nfs"},
	{"nfs4", "nfs"},
	{"cifs", "smb"},
	{"smb3", "smb"},
	{"smbfs", "smb"},
	{"9p", "9p"},
	{"virtiofs", "virtiofs"},
	{"vboxsf", "virtiofs"},
	{"prl_fs", "virtiofs"},
	{"vmhgfs", "virtiofs"},
	{"ceph", "cluster"},
	{"lustre", "cluster"},
	{"beegfs", "cluster"},
	{"gpfs", "cluster"},
	{"afs", "cluster"},
	{"fuse.sshfs", "sshfs"},
	{"fuse.glusterfs", "cluster"},
	{"fuse.ceph", "cluster"},
	{"fuse.vmhgfs-fuse", "virtiofs"},
	{"fuse.rclone", "cloud"},
	{"fuse.s3fs", "cloud"},
	{"fuse.gcsfuse", "cloud"},
	{"fuse.goofys", "cloud"},
	{"fuse.google-drive-ocamlfuse", "cloud"},
	{"fuse.onedriver", "cloud"},
	{"fuse.pcloud", "cloud"},
	{"fuse.curlftpfs", "ftp"},
	{"fuse.jmtpfs", "phone"},
	{"fuse.simple-mtpfs", "phone"},
	{"fuse.go-mtpfs", "phone"},
	{"fuse.mtpfs", "phone"},
	{"fuse.ifuse", "phone"},
};

static const char *title_of_kind(const char *kind)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i].kind, kind) == 0)
			return titles[i].title;
	return kind;
}

static bool is_fuse(const char *type)
{
	return strcmp(type, "fuse") == 0 || strncmp(type, "fuse.", 5) == 0;
}

/* Whoever is not root may mount by FUSE only, and that stands there (fuse_show_options(),
 * fs/fuse/inode.c). */
static bool is_of_user(const struct mountinfo *mount)
{
	const char *user = strstr(mount->options, "user_id=");

	return user && strcmp(user, "user_id=0") != 0 && strncmp(user, "user_id=0,", 10) != 0;
}

/* Only other sights of what is on this machine. A type is what the one who mounts says it is. */
static bool is_local_sight(const struct mountinfo *mount)
{
	if (strcmp(mount->type, "fuse.portal") == 0)
		return fnmatch("/run/user/*/doc", mount->path, FNM_PATHNAME) == 0;
	return !is_of_user(mount) && (strcmp(mount->type, "fuse.lxcfs") == 0 ||
				      strcmp(mount->type, "fuse.snapfuse") == 0);
}

static const char *kind_of_mount(const struct mountinfo *mount)
{
	for (size_t i = 0; i < sizeof(network_types) / sizeof(network_types[0]); i++)
		if (strcmp(network_types[i].type, mount->type) == 0)
			return network_types[i].kind;
	return is_fuse(mount->type) && !is_local_sight(mount) ? "fuse" : "";
}

static void add_word(struct volume *volume, const char *word)
{
	size_t used = strlen(volume->title);

	if (*word)
		snprintf(volume->title + used, sizeof(volume->title) - used, "%s%s",
			 used ? " " : "", word);
}

/* "USB disk SanDisk Ultra 4C53..." A maker who begins the model with his name says it once. */
static void name_disk(struct volume *volume)
{
	const struct disk *disk = &volume->disk;

	add_word(volume, disk->kind[0] ? title_of_kind(disk->kind) : "disk");
	if (strncasecmp(disk->vendor, disk->model, strlen(disk->vendor)) != 0)
		add_word(volume, disk->vendor);
	add_word(volume, disk->model);
	if (disk->serial[0])
		add_word(volume, disk->serial);
	else
		add_word(volume, volume->uuid);
}

/* udev links each file system's identity to its device. */
static void find_uuid(const struct volume_roots *roots, uint32_t dev, struct volume *volume)
{
	char path[512];
	_cleanup_(closedir_cleanup) DIR *links = NULL;
	const struct dirent *entry;
	struct stat info;

	if (snprintf(path, sizeof(path), "%s/disk/by-uuid", roots->dev) >= (int)sizeof(path))
		return;
	links = opendir(path);
	while (links && (entry = readdir(links))) {
		if (fstatat(dirfd(links), entry->d_name, &info, 0) == 0 && S_ISBLK(info.st_mode) &&
		    file_kernel_dev(info.st_rdev) == dev) {
			disk_copy_text(entry->d_name, volume->uuid, sizeof(volume->uuid));
			return;
		}
	}
}

int volume_of_disk(const struct volume_roots *roots, uint32_t dev, struct volume *ret_volume)
{
	struct volume volume = {.dev = dev};

	if (disk_read(roots->sysfs, dev, &volume.disk) < 0)
		return 0;
	find_uuid(roots, dev, &volume);
	name_disk(&volume);
	*ret_volume = volume;
	return 1;
}

/* Letters of a host's name or address, and what can stand between them. */
static size_t host_bytes(const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || (text[n] && strchr(".-_:[]", text[n])))
		n++;
	return n;
}

/*
 * "//server/share", "server:/export", "user@server:folder", "https://server/...", "[fd00::1]:/x".
 * Of the rest nothing is told: folders and users are called after people.
 */
static void find_host(const char *source, char host[static VOLUME_HOST_BYTES])
{
	const char *start = strstr(source, "//"), *end, *at;
	size_t n;

	if (start && (start == source || start[-1] == ':')) {
		start += 2;
		end = start + strcspn(start, "/");
	} else {
		start = source;
		end = *start == '[' ? strchr(start, ']') : NULL;
		end = strchr(end ? end : start, ':');
		if (!end || memchr(start, '/', (size_t)(end - start)))
			return;
	}
	at = memrchr(start, '@', (size_t)(end - start));
	start = at ? at + 1 : start;
	n = (size_t)(end - start);
	if (n > 1 && *start == '[' && start[n - 1] == ']') {
		start++;
		n -= 2;
	}
	if (n > 0 && n < VOLUME_HOST_BYTES && host_bytes(start) >= n) {
		memcpy(host, start, n);
		host[n] = '\0';
	}
}

static void name_share(struct volume *volume, const char *type)
{
	bool has_type = strncmp(type, "fuse.", 5) == 0;

	if (strcmp(volume->disk.kind, "fuse") == 0) {
		add_word(volume, has_type ? "FUSE" : "FUSE file system");
		add_word(volume, has_type ? type + 5 : "");
	} else {
		add_word(volume, title_of_kind(volume->disk.kind));
	}
	add_word(volume, volume->host);
}

static int volume_of_network(const struct mountinfo *mount, struct volume *ret_volume)
{
	struct volume volume = {.dev = mount->dev};

	volume.disk.kind = kind_of_mount(mount);
	if (!*volume.disk.kind)
		return 0;
	volume.has_shares = strcmp(mount->type, "fuse.gvfsd-fuse") == 0;
	volume.is_claimed = is_of_user(mount);
	/* A tag, where the host of this virtual machine has no other name. */
	if (strcmp(volume.disk.kind, "9p") == 0 || strcmp(volume.disk.kind, "virtiofs") == 0)
		disk_copy_text(mount->source, volume.host, sizeof(volume.host));
	else
		find_host(mount->source, volume.host);
	name_share(&volume, mount->type);
	*ret_volume = volume;
	return 1;
}

/* The kernel numbers the subvolumes of btrfs itself, and the source is the disk. Of what a user can
 * mount, the source is anything, also a path that does not answer. */
static uint32_t disk_of_source(const struct mountinfo *mount)
{
	struct stat info;

	if (strcmp(mount->type, "btrfs") != 0 || stat(mount->source, &info) < 0 ||
	    !S_ISBLK(info.st_mode))
		return 0;
	return file_kernel_dev(info.st_rdev);
}

int volume_of_mount(const struct volume_roots *roots, const struct mountinfo *mount,
		    struct volume *ret_volume)
{
	uint32_t dev = mount->dev >> 20 ? mount->dev : disk_of_source(mount);
	int r = dev ? volume_of_disk(roots, dev, ret_volume) : 0;

	if (r == 0)
		return volume_of_network(mount, ret_volume);
	ret_volume->dev = mount->dev;
	return r;
}

/* The value of a key in "sftp:host=files.test,user=li/folder/file"; "": it has none. In a value
 * neither '=' nor ',' stands (g_mount_spec_to_string(), common/gmountspec.c), in a file's name both
 * may. */
static const char *find_share_value(const char *share, const char *key)
{
	size_t key_bytes = strlen(key), n = strcspn(share, "/");

	for (const char *at = share; at < share + n; at++)
		if ((*at == ':' || *at == ',') && !strncmp(at + 1, key, key_bytes))
			return at + 1 + key_bytes;
	return "";
}

static void find_share_host(const char *share, char host[static VOLUME_HOST_BYTES])
{
	const char *server = find_share_value(share, "server=");
	const char *value = *server ? server : find_share_value(share, "host=");
	size_t n = strcspn(value, ",/");

	if (n > 0 && n < VOLUME_HOST_BYTES && !memchr(value, '@', n)) {
		memcpy(host, value, n);
		host[n] = '\0';
		disk_copy_text(host, host, VOLUME_HOST_BYTES);
	}
}

/* Types of gvfs' mounts: daemon/ of gvfs. */
int volume_of_share(const char *path, struct volume *ret_volume)
{
	static const struct {
		const char *prefix, *kind;
	} shares[] = {
		{"mtp:", "phone"},          {"gphoto2:", "phone"},  {"afc:", "phone"},
		{"smb-share:", "smb"},      {"sftp:", "sshfs"},     {"nfs:", "nfs"},
		{"google-drive:", "cloud"}, {"onedrive:", "cloud"}, {"dav:", "cloud"},
		{"davs:", "cloud"},         {"ftp:", "ftp"},        {"ftps:", "ftp"},
		{"obex:", "bluetooth"},
	};
	const char *share = strstr(path, "/gvfs/");
	struct volume volume = {.is_claimed = true};

	if (!share)
		return 0;
	share += strlen("/gvfs/");
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]) && !volume.disk.kind; i++)
		if (strncmp(share, shares[i].prefix, strlen(shares[i].prefix)) == 0)
			volume.disk.kind = shares[i].kind;
	if (!volume.disk.kind)
		volume.disk.kind = "fuse";
	find_share_host(share, volume.host);
	name_share(&volume, "fuse.gvfs");
	*ret_volume = volume;
	return 1;
}

/* The terminal that the machine itself is worked from is no way out. */
static bool is_console(const struct volume_roots *roots, const char *name)
{
	_cleanup_free_ char *path = NULL, *active = NULL;
	const char *at;

	if (asprintf(&path, "%s/class/tty/console/active", roots->sysfs) < 0) {
		path = NULL;
		return false;
	}
	if (file_read_all(path, 4096, &active, NULL) < 0)
		return false;
	at = strstr(active, name);
	return at && (at == active || at[-1] == ' ') && strcspn(at, " \n") == strlen(name);
}

/* Last component of what a character device's number links to in sysfs. */
static void find_device_name(const struct volume_roots *roots, uint32_t dev, char *name,
			     size_t size)
{
	_cleanup_free_ char *link = NULL, *folder = NULL;
	const char *slash;

	*name = '\0';
	if (asprintf(&link, "%s/dev/char/%u:%u", roots->sysfs, dev >> 20, dev & 0xfffff) < 0) {
		link = NULL;
		return;
	}
	folder = realpath(link, NULL);
	slash = folder ? strrchr(folder, '/') : NULL;
	if (slash)
		snprintf(name, size, "%s", slash + 1);
}

/* Documentation/admin-guide/devices.txt */
static const char *kind_of_character(uint32_t dev)
{
	uint32_t minor = dev & 0xfffff;

	switch (dev >> 20) {
	case 4: /* the lower ones are virtual terminals */
		return minor >= 64 ? "serial" : "";
	case 188: /* ttyUSB */
	case 166: /* ttyACM */
	case 204: /* ttyAMA and others */
		return "serial";
	case 6: /* lp */
		return "printer";
	case 180: /* usb/lp */
		return minor < 16 ? "printer" : "";
	case 216: /* rfcomm */
		return "bluetooth";
	}
	return "";
}

int volume_of_character(const struct volume_roots *roots, uint32_t dev, struct volume *ret_volume)
{
	struct volume volume = {.dev = dev, .disk.kind = kind_of_character(dev)};
	char name[DISK_TEXT_BYTES];

	if (!*volume.disk.kind)
		return 0;
	find_device_name(roots, dev, name, sizeof(name));
	if (*name && is_console(roots, name))
		return 0;
	add_word(&volume, title_of_kind(volume.disk.kind));
	add_word(&volume, name);
	*ret_volume = volume;
	return 1;
}
