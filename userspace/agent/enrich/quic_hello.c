/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/quic_hello.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/enrich/quic_reader.h"

#define STREAM_BYTES 8192 /* of the longest hello that is read */

/* RFC 8446 4 and 4.1.2, RFC 6066 3, RFC 9849 5 */
#define TLS_CLIENT_HELLO 1
#define TLS_HEADER_BYTES 4
#define TLS_SESSION_AT 38 /* header 4, version 2, random 32 */
#define TLS_SERVER_NAME 0
#define TLS_ENCRYPTED_HELLO 0xfe0d

struct quic_hello {
	struct quic_keys keys;
	uint8_t stream[STREAM_BYTES];
	bool is_here[STREAM_BYTES];
};

struct quic_hello *quic_hello_new(void)
{
	return calloc(1, sizeof(struct quic_hello));
}

void quic_hello_free(struct quic_hello *hello)
{
	free(hello);
}

static void take_part(struct quic_hello *hello, uint64_t offset, const uint8_t *data, size_t bytes)
{
	if (offset > STREAM_BYTES || bytes > STREAM_BYTES - offset)
		return;
	memcpy(hello->stream + offset, data, bytes);
	memset(hello->is_here + offset, true, bytes);
}

/* ACK, RFC 9000 19.3. */
static void skip_ack(struct quic_reader *reader, bool has_counts)
{
	uint64_t ranges;

	quic_reader_take_number(reader);
	quic_reader_take_number(reader);
	ranges = quic_reader_take_number(reader);
	quic_reader_take_number(reader);
	for (uint64_t i = 0; i < ranges && !reader->is_short; i++) {
		quic_reader_take_number(reader);
		quic_reader_take_number(reader);
	}
	for (int i = 0; has_counts && i < 3; i++)
		quic_reader_take_number(reader);
}

/* Those that an Initial packet may have, RFC 9000 12.4. */
static void take_frames(void *userdata, const uint8_t *frames, size_t bytes)
{
	struct quic_reader reader = {.at = frames, .end = frames + bytes};
	struct quic_hello *hello = userdata;

	while (!reader.is_short && reader.at < reader.end) {
		uint64_t type = quic_reader_take_number(&reader), offset, length;
		const uint8_t *data;

		switch (type) {
		case 0: /* PADDING */
		case 1: /* PING */
			break;
		case 2:
		case 3:
			skip_ack(&reader, type == 3);
			break;
		case 6: /* CRYPTO */
			offset = quic_reader_take_number(&reader);
			length = quic_reader_take_number(&reader);
			data = quic_reader_take(&reader, length);
			if (data)
				take_part(hello, offset, data, length);
			break;
		default:
			return;
		}
	}
}

/* Big-endian, of one or two bytes; 0 behind the end. */
static size_t read_number(const uint8_t *data, size_t size, size_t at, size_t bytes)
{
	size_t number = 0;

	if (at + bytes > size)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | data[at + i];
	return number;
}

/* The length of the hello when all of it is here, 0 when not. */
static size_t measure(const struct quic_hello *hello)
{
	size_t size;

	for (size_t i = 0; i < TLS_HEADER_BYTES; i++)
		if (!hello->is_here[i])
			return 0;
	size = TLS_HEADER_BYTES + read_number(hello->stream, TLS_HEADER_BYTES, 1, 3);
	if (size > STREAM_BYTES)
		return 0;
	return memchr(hello->is_here, false, size) ? 0 : size;
}

static bool is_of_host(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
	       letter == '.' || letter == '-' || letter == '_';
}

static void read_name(const uint8_t *data, size_t size, struct quic_hello_name *ret_name)
{
	size_t bytes = read_number(data, size, 3, 2);

	/* The length of the list, then the type of the name, its length and itself. */
	if (size < 6 || data[2] != 0 || bytes + 5 > size || bytes >= QUIC_HOST_BYTES)
		return;
	for (size_t i = 0; i < bytes; i++) {
		char letter = (char)data[5 + i];

		if (letter >= 'A' && letter <= 'Z')
			letter = (char)(letter - 'A' + 'a');
		if (!is_of_host(letter)) {
			ret_name->host[0] = '\0';
			return;
		}
		ret_name->host[i] = letter;
	}
	ret_name->host[bytes] = '\0';
}

static void read_extensions(const uint8_t *data, size_t size, struct quic_hello_name *ret_name)
{
	for (size_t at = 0; at + 4 <= size;) {
		size_t type = read_number(data, size, at, 2);
		size_t bytes = read_number(data, size, at + 2, 2);

		at += 4;
		if (bytes > size - at)
			return;
		if (type == TLS_SERVER_NAME)
			read_name(data + at, bytes, ret_name);
		else if (type == TLS_ENCRYPTED_HELLO)
			ret_name->is_front = true;
		at += bytes;
	}
}

static void read_hello(const uint8_t *data, size_t size, struct quic_hello_name *ret_name)
{
	size_t at = TLS_SESSION_AT, bytes;

	if (data[0] != TLS_CLIENT_HELLO)
		return;
	at += 1 + read_number(data, size, at, 1);
	at += 2 + read_number(data, size, at, 2); /* cipher suites */
	at += 1 + read_number(data, size, at, 1); /* compression */
	bytes = read_number(data, size, at, 2);
	at += 2;
	if (at < size)
		read_extensions(data + at, bytes < size - at ? bytes : size - at, ret_name);
}

static int judge(const struct quic_hello *hello, struct quic_hello_name *ret_name)
{
	struct quic_hello_name name = {};
	size_t size = measure(hello);

	if (!size)
		return QUIC_HELLO_PART;
	read_hello(hello->stream, size, &name);
	if (!name.host[0])
		return QUIC_HELLO_NAMELESS;
	*ret_name = name;
	return QUIC_HELLO_NAMED;
}

int quic_hello_add(struct quic_hello *hello, const uint8_t *datagram, size_t bytes,
		   struct quic_hello_name *ret_name)
{
	int r = quic_packet_open(&hello->keys, datagram, bytes, take_frames, hello);

	return r < 0 ? r : judge(hello, ret_name);
}

int quic_hello_add_frames(struct quic_hello *hello, const uint8_t *frames, size_t bytes,
			  struct quic_hello_name *ret_name)
{
	take_frames(hello, frames, bytes);
	return judge(hello, ret_name);
}

const struct quic_keys *quic_hello_keys(const struct quic_hello *hello)
{
	return &hello->keys;
}
