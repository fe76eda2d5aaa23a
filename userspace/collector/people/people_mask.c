/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/people/people.h"

#include <string.h>

#include "base/cleanup.h"

/* Folders whose next component is a person's name or uid. */
static const struct {
	const char *prefix;
	/* Components that must follow the name: /media/NAME/DISK/FILE is udisks' mount of
	 * NAME, /media/DISK/FILE is somebody's mount of a disk. */
	unsigned int n_after;
} PERSONAL[] = {
	{"/home/", 0},           {"/Users/", 0},
	{"/run/user/", 0},       {"/run/media/", 0},
	{"/media/", 2},          {"/var/mail/", 0},
	{"/var/spool/mail/", 0}, {"/var/spool/cron/crontabs/", 0},
};

/* Units of systemd that are called after the uid that they are for, as cgroups are in turn. */
static const struct {
	const char *prefix, *suffix;
} PERSONAL_UNITS[] = {
	{"/user-", ".slice"},
	{"/user@", ".service"},
	{"/user-runtime-dir@", ".service"},
};

/* A name in a path ends at the next slash; in a sentence also at what no login name contains. */
static const char IN_PATH[] = "/";
static const char IN_SENTENCE[] = "/ \t\n\"',;:()[]<>|";

static bool is_followed_by(const char *text, unsigned int n_components, const char *ends)
{
	while (n_components > 0) {
		size_t size = text[0] == '/' ? strcspn(text + 1, ends) : 0;

		if (size == 0)
			return false;
		text += 1 + size;
		n_components--;
	}
	return true;
}

static bool match_unit(const char *text, size_t *ret_prefix, size_t *ret_uid)
{
	for (size_t i = 0; i < sizeof(PERSONAL_UNITS) / sizeof(PERSONAL_UNITS[0]); i++) {
		size_t prefix = strlen(PERSONAL_UNITS[i].prefix), uid;
		const char *suffix = PERSONAL_UNITS[i].suffix;

		if (strncmp(text, PERSONAL_UNITS[i].prefix, prefix) != 0)
			continue;
		uid = strspn(text + prefix, "0123456789");
		if (uid == 0 || strncmp(text + prefix + uid, suffix, strlen(suffix)) != 0)
			continue;
		*ret_prefix = prefix;
		*ret_uid = uid;
		return true;
	}
	return false;
}

/* The lengths of a personal prefix and the name after it, or false. */
static bool match(const char *text, const char *ends, size_t *ret_prefix, size_t *ret_name)
{
	for (size_t i = 0; i < sizeof(PERSONAL) / sizeof(PERSONAL[0]); i++) {
		size_t prefix = strlen(PERSONAL[i].prefix), name;

		if (strncmp(text, PERSONAL[i].prefix, prefix) != 0)
			continue;
		name = strcspn(text + prefix, ends);
		if (name == 0 || !is_followed_by(text + prefix + name, PERSONAL[i].n_after, ends))
			continue;
		*ret_prefix = prefix;
		*ret_name = name;
		return true;
	}
	return match_unit(text, ret_prefix, ret_name);
}

int people_mask_path(const char *path, char **ret_masked)
{
	/* A name of at least one byte becomes one byte, so the result is never longer. */
	char *masked = malloc(strlen(path) + 1), *out = masked;
	const char *ends = *path == '/' ? IN_PATH : IN_SENTENCE;
	size_t prefix, name;

	if (!masked)
		return -ENOMEM;
	while (*path) {
		if (*path == '/' && match(path, ends, &prefix, &name)) {
			out = mempcpy(out, path, prefix);
			*out++ = '~';
			path += prefix + name;
		} else {
			*out++ = *path++;
		}
	}
	*out = '\0';
	*ret_masked = masked;
	return 0;
}
