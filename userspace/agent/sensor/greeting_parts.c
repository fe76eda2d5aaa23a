/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/sensor/greeting_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#define HOST_READ(to, address) memcpy(&(to), (const void *)(uintptr_t)(address), sizeof(to))
#include "host.h"

#include "agent/sensor/sensor_private.h"

struct hello {
	struct in6_addr peer;
	uint16_t port, local_port;
	uint64_t touched;
	uint8_t *data; /* NULL: free */
	size_t bytes;
};

struct greeting_parts {
	struct hello hellos[GREETING_PARTS_MAX];
	uint64_t clock;
};

int greeting_parts_new(struct greeting_parts **ret_parts)
{
	struct greeting_parts *parts = calloc(1, sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	*ret_parts = parts;
	return 0;
}

static void end(struct hello *hello)
{
	free(hello->data);
	*hello = (struct hello){};
}

void greeting_parts_free(struct greeting_parts *parts)
{
	if (!parts)
		return;
	for (size_t i = 0; i < GREETING_PARTS_MAX; i++)
		end(&parts->hellos[i]);
	free(parts);
}

static struct hello *find(struct greeting_parts *parts, const struct greeting_part *part)
{
	for (size_t i = 0; i < GREETING_PARTS_MAX; i++) {
		struct hello *hello = &parts->hellos[i];

		if (hello->data && hello->port == part->port &&
		    hello->local_port == part->local_port &&
		    memcmp(&hello->peer, &part->peer, sizeof(hello->peer)) == 0)
			return hello;
	}
	return NULL;
}

/* A free one has never been touched. */
static struct hello *make(struct greeting_parts *parts, const struct greeting_part *part)
{
	struct hello *hello = &parts->hellos[0];

	for (size_t i = 1; i < GREETING_PARTS_MAX; i++)
		if (parts->hellos[i].touched < hello->touched)
			hello = &parts->hellos[i];
	end(hello);
	hello->data = malloc(GREETING_PARTS_BYTES);
	if (!hello->data)
		return NULL;
	hello->peer = part->peer;
	hello->port = part->port;
	hello->local_port = part->local_port;
	return hello;
}

/* So many bytes there are in all, as far as they are read and that can be told; of a request whose
 * rest is not needed, as many as there are. */
static size_t measure(const uint8_t *data, size_t bytes)
{
	size_t n_first = bytes < GREETING_HEAD_BYTES ? bytes : GREETING_HEAD_BYTES, size;
	uint64_t heard = 0;

	for (size_t i = 0; i < n_first; i++)
		heard = heard << 8 | data[i];
	heard = greeting_measure(heard, (unsigned int)n_first);
	if (!heard)
		return bytes;
	size = heard & GREETING_LETTERS;
	if (!(heard & GREETING_IS_REQUEST))
		return size < GREETING_PARTS_BYTES ? size : GREETING_PARTS_BYTES;
	heard &= ~GREETING_LETTERS;
	for (size_t i = 0; i < bytes && i < size; i++)
		heard = greeting_read(heard, data[i]);
	return heard & GREETING_IS_OVER ? bytes : size;
}

static int read_name(const uint8_t *data, size_t bytes, struct greeting_name *ret_name)
{
	struct greeting_name name = {};
	struct weir_name text = {};
	__u32 source = WEIR_HOST_NONE;
	__u64 found = host_find((uintptr_t)data, (__u32)bytes, &source);

	text.bytes = (__u16)(found & UINT16_MAX); /* HOST_NAME_BYTES at most */
	memcpy(text.text, data + (found >> 32), text.bytes);
	if (!sensor_name_host(&text, name.host, sizeof(name.host)))
		return 0;
	name.source = (enum sensor_host_source)source;
	*ret_name = name;
	return 1;
}

/* A request may name its host before it is over, a hello may say later that it is a front. */
static int read_so_far(const uint8_t *data, size_t bytes, bool *ret_is_whole,
		       struct greeting_name *ret_name)
{
	size_t size = measure(data, bytes);

	*ret_is_whole = bytes >= size;
	if (!*ret_is_whole && data[0] == GREETING_TLS_HANDSHAKE)
		return 0;
	return read_name(data, *ret_is_whole ? size : bytes, ret_name);
}

static int begin(struct greeting_parts *parts, const struct greeting_part *part)
{
	struct hello *hello = make(parts, part);

	if (!hello)
		return -ENOMEM;
	hello->touched = ++parts->clock;
	hello->bytes = part->bytes < GREETING_PARTS_BYTES ? part->bytes : GREETING_PARTS_BYTES;
	memcpy(hello->data, part->data, hello->bytes);
	return 0;
}

static int go_on(struct greeting_parts *parts, struct hello *hello,
		 const struct greeting_part *part, struct greeting_name *ret_name)
{
	size_t room = GREETING_PARTS_BYTES - hello->bytes;
	size_t bytes = part->bytes < room ? part->bytes : room;
	bool is_whole;
	int r;

	memcpy(hello->data + hello->bytes, part->data, bytes);
	hello->bytes += bytes;
	hello->touched = ++parts->clock;
	r = read_so_far(hello->data, hello->bytes, &is_whole, ret_name);
	if (is_whole)
		end(hello);
	return r;
}

int greeting_parts_take(struct greeting_parts *parts, const struct greeting_part *part,
			struct greeting_name *ret_name)
{
	struct hello *hello = find(parts, part);
	bool is_whole;
	int r, told;

	if (hello && part->offset > 0 && part->offset == hello->bytes)
		return go_on(parts, hello, part, ret_name);
	/* One is missing, or it begins anew. */
	if (hello)
		end(hello);
	if (part->offset > 0)
		return -EBADMSG;
	if (part->bytes == 0)
		return 0;
	told = read_so_far(part->data, part->bytes, &is_whole, ret_name);
	r = is_whole ? 0 : begin(parts, part);
	return r < 0 ? r : told;
}
