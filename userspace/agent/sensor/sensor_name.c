/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"

/* Bounds come from a kernel record: they are checked, not believed. */
void sensor_name_assemble(const struct weir_name *name, char *ret_path, size_t size)
{
	size_t bytes = name->bytes <= WEIR_NAME_BYTES ? name->bytes : WEIR_NAME_BYTES;
	size_t used = 0;

	if (size == 0)
		return;
	ret_path[0] = '\0';
	if (bytes == 0)
		return;
	if (name->is_cut)
		used += (size_t)snprintf(ret_path, size, "/...");
	/* Components from the last one, which is the uppermost folder, to the first. */
	for (size_t end = bytes; end > 0;) {
		size_t start = end - 1;

		while (start > 0 && name->text[start - 1] != '\0')
			start--;
		if (used + 1 + (end - start) < size) {
			ret_path[used++] = '/';
			for (size_t i = start; i < end && name->text[i]; i++)
				ret_path[used++] = name->text[i];
			ret_path[used] = '\0';
		}
		end = start;
	}
}

/* Takes "." and ".." out of an absolute path, in place; whatever links there are on its way. */
static void fold_dots(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t size = 1 + strcspn(from + 1, "/");

		if (size == 3 && !strncmp(from, "/..", 3)) {
			while (to > path && *--to != '/')
				;
		} else if (size > 1 && !(size == 2 && from[1] == '.')) {
			memmove(to, from, size);
			to += size;
		}
		from += size;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

void sensor_name_join(const struct weir_name *directory, const char *path, char *ret_path,
		      size_t size)
{
	size_t length = strnlen(path, WEIR_USER_PATH_BYTES);
	char folder[WEIR_NAME_BYTES + 8] = "";

	if (length > 0 && path[0] != '/')
		sensor_name_assemble(directory, folder, sizeof(folder));
	while (length > 1 && path[0] == '.' && path[1] == '/') {
		path += 2;
		length -= 2;
	}
	snprintf(ret_path, size, "%s%s%.*s", folder, path[0] == '/' ? "" : "/", (int)length, path);
	if (ret_path[0] == '/')
		fold_dots(ret_path);
}

static bool is_of_host(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
	       letter == '.' || letter == '-' || letter == '_';
}

bool sensor_name_host(const struct weir_name *name, char *ret_host, size_t size)
{
	size_t bytes = name->bytes;

	if (size > 0)
		ret_host[0] = '\0';
	if (bytes == 0 || bytes > WEIR_NAME_BYTES || bytes >= size)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		char letter = name->text[i];

		ret_host[i] = letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
		if (!is_of_host(ret_host[i])) {
			ret_host[0] = '\0';
			return false;
		}
	}
	ret_host[bytes] = '\0';
	return true;
}
