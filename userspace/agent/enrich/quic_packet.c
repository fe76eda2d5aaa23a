/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/quic_packet.h"

#include <errno.h>
#include <string.h>

#include "agent/enrich/quic_reader.h"
#include "base/hash.h"

#define ID_BYTES_MAX 20 /* RFC 9000 17.2 */
#define SAMPLE_AT 4     /* from where the packet number starts, RFC 9001 5.4.2 */
#define VERSION_1 0x00000001u
#define VERSION_2 0x6b3343cfu
#define SECRET_SIZE HASH_SHA256_SIZE

/* What differs between versions. RFC 9001 5.2, RFC 9369 3.2 and 3.3 */
struct version {
	uint32_t number;
	uint8_t initial, retry; /* long packet types */
	uint8_t salt[20];
	const char *key_label, *iv_label, *header_label;
};

static const struct version versions[] = {
	{VERSION_1,
	 0,
	 3,
	 {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
	 "quic key",
	 "quic iv",
	 "quic hp"},
	{VERSION_2,
	 1,
	 0,
	 {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
	 "quicv2 key",
	 "quicv2 iv",
	 "quicv2 hp"},
};

struct packet {
	const struct version *version;
	const uint8_t *start, *number, *end; /* its first byte, its number, what is behind it */
	const uint8_t *id;
	size_t id_bytes;
	bool is_initial;
};

static const struct version *find_version(const uint8_t *at)
{
	uint32_t number =
		(uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].number == number)
			return &versions[i];
	return NULL;
}

/* RFC 9000 17.2. False where nothing more can be found in the datagram. */
static bool take_packet(struct quic_reader *reader, struct packet *ret_packet)
{
	struct packet packet = {.start = reader->at};
	const uint8_t *first = quic_reader_take(reader, 1), *version = quic_reader_take(reader, 4),
		      *bytes;
	uint64_t length;
	uint8_t type;

	if (!version || !(*first & 0x80))
		return false;
	packet.version = find_version(version);
	type = *first >> 4 & 3;
	if (!packet.version || type == packet.version->retry)
		return false;
	packet.is_initial = type == packet.version->initial;
	bytes = quic_reader_take(reader, 1);
	packet.id_bytes = bytes ? *bytes : 0;
	packet.id = quic_reader_take(reader, packet.id_bytes);
	bytes = quic_reader_take(reader, 1);
	quic_reader_take(reader, bytes ? *bytes : 0);
	if (packet.is_initial)
		quic_reader_take(reader, quic_reader_take_number(reader)); /* token */
	length = quic_reader_take_number(reader);
	packet.number = reader->at;
	packet.end = quic_reader_take(reader, length) ? reader->at : NULL;
	*ret_packet = packet;
	return packet.end && packet.id_bytes <= ID_BYTES_MAX;
}

/* HKDF-Expand-Label of RFC 8446 7.1 without a context, of at most one block. */
static int expand(const uint8_t secret[SECRET_SIZE], const char *label, uint8_t *ret_out,
		  size_t size)
{
	uint8_t info[64] = {0, (uint8_t)size}, block[SECRET_SIZE];
	size_t length = strlen(label), n = 2;
	int r;

	info[n++] = (uint8_t)(6 + length);
	memcpy(info + n, "tls13 ", 6);
	memcpy(info + n + 6, label, length);
	n += 6 + length;
	info[n++] = 0;
	info[n++] = 1; /* the first block, RFC 5869 2.3 */
	r = hash_hmac_sha256(secret, SECRET_SIZE, info, n, block);
	if (r == 0)
		memcpy(ret_out, block, size);
	return r;
}

static int derive_keys(const struct packet *packet, struct quic_keys *ret_keys)
{
	const struct version *version = packet->version;
	uint8_t initial[SECRET_SIZE], client[SECRET_SIZE];
	struct quic_keys keys = {.version = version->number, .is_set = true};
	int r = hash_hmac_sha256(version->salt, sizeof(version->salt), packet->id, packet->id_bytes,
				 initial);

	if (r == 0)
		r = expand(initial, "client in", client, sizeof(client));
	if (r == 0)
		r = expand(client, version->key_label, keys.key, sizeof(keys.key));
	if (r == 0)
		r = expand(client, version->iv_label, keys.iv, sizeof(keys.iv));
	if (r == 0)
		r = expand(client, version->header_label, keys.header_key, sizeof(keys.header_key));
	if (r == 0)
		*ret_keys = keys;
	return r;
}

/* The header without its protection, RFC 9001 5.4. Returns its length, or -errno. */
static int uncover_header(const struct quic_keys *keys, const struct packet *packet,
			  uint8_t ret_header[QUIC_DATAGRAM_BYTES], uint8_t ret_iv[CIPHER_IV_SIZE])
{
	size_t size = (size_t)(packet->number - packet->start), number_bytes;
	uint8_t mask[CIPHER_BLOCK_SIZE];
	int r;

	if (packet->end - packet->number < SAMPLE_AT + CIPHER_BLOCK_SIZE)
		return -EBADMSG;
	r = cipher_encrypt_block(keys->header_key, packet->number + SAMPLE_AT, mask);
	if (r < 0)
		return r;
	number_bytes = ((packet->start[0] ^ mask[0]) & 3u) + 1u;
	memcpy(ret_header, packet->start, size + number_bytes);
	ret_header[0] ^= mask[0] & 0x0f;
	memcpy(ret_iv, keys->iv, CIPHER_IV_SIZE);
	for (size_t i = 0; i < number_bytes; i++) {
		ret_header[size + i] ^= mask[1 + i];
		ret_iv[CIPHER_IV_SIZE - number_bytes + i] ^= ret_header[size + i];
	}
	return (int)(size + number_bytes);
}

/* Returns how many bytes ret_plain has, or -errno. */
static int open_packet(const struct quic_keys *keys, const struct packet *packet,
		       uint8_t ret_plain[QUIC_DATAGRAM_BYTES])
{
	uint8_t header[QUIC_DATAGRAM_BYTES], iv[CIPHER_IV_SIZE];
	int size = uncover_header(keys, packet, header, iv), r;
	struct cipher_sealed sealed = {.more = header};

	if (size < 0)
		return size;
	sealed.more_size = (size_t)size;
	sealed.data = packet->start + size;
	sealed.size = (size_t)(packet->end - sealed.data);
	r = cipher_open(keys->key, iv, &sealed, ret_plain);
	return r < 0 ? r : (int)(sealed.size - CIPHER_TAG_SIZE);
}

/* By its own number, else by that of the first packet: the server has answered meanwhile. */
static int open_with_any(struct quic_keys *keys, const struct packet *packet,
			 uint8_t ret_plain[QUIC_DATAGRAM_BYTES])
{
	struct quic_keys own;
	int r = derive_keys(packet, &own);

	if (r < 0)
		return r;
	r = open_packet(&own, packet, ret_plain);
	if (r >= 0)
		*keys = own;
	else if (keys->is_set && keys->version == own.version)
		r = open_packet(keys, packet, ret_plain);
	return r;
}

int quic_packet_open(struct quic_keys *keys, const uint8_t *datagram, size_t bytes,
		     quic_opened_fn opened, void *userdata)
{
	struct quic_reader reader = {.at = datagram};
	uint8_t plain[QUIC_DATAGRAM_BYTES];
	struct packet packet;
	int n_opened = 0;

	reader.end = datagram + (bytes < QUIC_DATAGRAM_BYTES ? bytes : QUIC_DATAGRAM_BYTES);
	while (take_packet(&reader, &packet)) {
		int size;

		if (!packet.is_initial)
			continue;
		size = open_with_any(keys, &packet, plain);
		if (size == -ENOMEM)
			return size;
		if (size < 0)
			continue;
		opened(userdata, plain, (size_t)size);
		n_opened++;
	}
	return n_opened;
}

static void pass_over(void *userdata, const uint8_t *frames, size_t bytes)
{
	(void)userdata;
	(void)frames;
	(void)bytes;
}

bool quic_packet_is_another(const struct quic_keys *keys, const uint8_t *datagram, size_t bytes)
{
	struct quic_keys own = {};

	return keys->is_set && quic_packet_open(&own, datagram, bytes, pass_over, NULL) > 0 &&
	       memcmp(own.key, keys->key, sizeof(own.key)) != 0;
}
