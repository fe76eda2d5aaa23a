/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/cleanup.h"

#define READ_CHUNK_BYTES (64 * 1024)

DEFINE_CLEANUP(digest_context_cleanup, EVP_MD_CTX, EVP_MD_CTX_free)

int hash_sha256(const void *data, size_t size, uint8_t ret_digest[HASH_SHA256_SIZE])
{
	uint8_t digest[HASH_SHA256_SIZE];

	if (EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	memcpy(ret_digest, digest, sizeof(digest));
	return 0;
}

int hash_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
		     uint8_t ret_digest[HASH_SHA256_SIZE])
{
	uint8_t digest[HASH_SHA256_SIZE];

	if (key_size > INT_MAX)
		return -EINVAL;
	if (!HMAC(EVP_sha256(), key_size ? key : "", (int)key_size, data, size, digest, NULL))
		return -ENOMEM;
	memcpy(ret_digest, digest, sizeof(digest));
	return 0;
}

static int hash_update_from_fd(EVP_MD_CTX *context, int fd)
{
	_cleanup_free_ uint8_t *chunk = malloc(READ_CHUNK_BYTES);
	off_t offset = 0;

	if (!chunk)
		return -ENOMEM;
	for (;;) {
		ssize_t n = pread(fd, chunk, READ_CHUNK_BYTES, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (EVP_DigestUpdate(context, chunk, (size_t)n) != 1)
			return -ENOMEM;
		offset += n;
	}
}

int hash_sha256_fd(int fd, char ret_hex[HASH_SHA256_HEX_SIZE])
{
	_cleanup_(digest_context_cleanup) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[HASH_SHA256_SIZE];
	struct stat status;
	int r;

	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	r = hash_update_from_fd(context, fd);
	if (r < 0)
		return r;
	if (EVP_DigestFinal_ex(context, digest, NULL) != 1)
		return -ENOMEM;
	hash_to_hex(digest, sizeof(digest), ret_hex);
	return 0;
}

int hash_sha256_file(const char *path, char ret_hex[HASH_SHA256_HEX_SIZE])
{
	/* O_NONBLOCK: the path may turn out to be a pipe, whose open would wait for a writer. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return hash_sha256_fd(fd, ret_hex);
}

void hash_to_hex(const uint8_t *bytes, size_t size, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	ret_hex[2 * size] = '\0';
}
