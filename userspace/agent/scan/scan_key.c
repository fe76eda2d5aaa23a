/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"

enum {
	MADE_BYTES = 32,
	MIN_BYTES = 16,
	MAX_BYTES = 4096,
};

static int problem(int error, const char *path, const char *why, char **ret_problem)
{
	if (asprintf(ret_problem, "%s: %s", path, why) < 0)
		*ret_problem = NULL;
	return error;
}

static int make(const char *path, char **ret_problem)
{
	uint8_t bytes[MADE_BYTES];
	char text[2 * MADE_BYTES + 2];
	int r;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return problem(-EIO, path, "no random numbers to make a key of", ret_problem);
	hash_to_hex(bytes, sizeof(bytes), text);
	text[sizeof(text) - 2] = '\n';
	r = file_write_durably(path, text, sizeof(text) - 1, 0600);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return r < 0 ? problem(r, path, strerror(-r), ret_problem) : 0;
}

/* Whatever its form, the key is what the file's bytes come to. */
static int derive(const char *path, uint8_t ret_key[SIPHASH_KEY_BYTES], char **ret_problem)
{
	uint8_t digest[HASH_SHA256_SIZE];
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = file_read_all(path, MAX_BYTES, &text, &size);

	if (r < 0)
		return problem(r, path, strerror(-r), ret_problem);
	/* An editor's final newline makes no other key. */
	while (size > 0 && strchr("\r\n", text[size - 1]))
		size--;
	if (size < MIN_BYTES)
		return problem(-EINVAL, path, "a key of records has at least 16 bytes",
			       ret_problem);
	r = hash_sha256(text, size, digest);
	explicit_bzero(text, size);
	if (r == 0)
		memcpy(ret_key, digest, SIPHASH_KEY_BYTES);
	explicit_bzero(digest, sizeof(digest));
	return r;
}

int scan_key_load(const char *path, uint8_t ret_key[SIPHASH_KEY_BYTES], char **ret_problem)
{
	struct stat info;
	int r = 0;

	if (stat(path, &info) < 0 && errno == ENOENT)
		r = make(path, ret_problem);
	if (r < 0)
		return r;
	if (stat(path, &info) < 0)
		return problem(-errno, path, strerror(errno), ret_problem);
	if (!S_ISREG(info.st_mode))
		return problem(-EINVAL, path, "a key of records is a regular file", ret_problem);
	if (info.st_mode & 077)
		return problem(-EPERM, path, "others can read the key of records; chmod it to 0600",
			       ret_problem);
	return derive(path, ret_key, ret_problem);
}
