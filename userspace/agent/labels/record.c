/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/labels/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define MAGIC UINT32_C(0x464c5257) /* "WRLF" */
#define FRAME_HEAD_BYTES 4
#define FRAME_BYTES (FRAME_HEAD_BYTES + 4)
#define LABEL_HEAD_BYTES 2
#define FILE_SYSTEM_PAYLOAD_BYTES (4 + 4 + FILE_SYSTEM_UUID_BYTES)
#define FILE_PAYLOAD_BYTES (RECORD_FILE_BYTES - FRAME_BYTES)

enum frame_type {
	FRAME_LABEL = 1,
	FRAME_FILE_SYSTEM = 2,
	FRAME_FILE = 3,
};

/* ---- writing ---- */

static uint8_t *end_frame(uint8_t *frame, uint8_t *end, enum frame_type type)
{
	frame[0] = (uint8_t)type;
	frame[1] = 0;
	bytes_put16(frame + 2, (uint16_t)(end - frame - FRAME_HEAD_BYTES));
	return bytes_put32(end, bytes_checksum(frame, (size_t)(end - frame)));
}

static uint8_t *put_label(uint8_t *frame, size_t index, const struct record_label *label)
{
	uint8_t *to = frame + FRAME_HEAD_BYTES;
	size_t length = strnlen(label->name, sizeof(label->name) - 1);

	*to++ = (uint8_t)index;
	*to++ = (uint8_t)label->kind;
	memcpy(to, label->name, length);
	return end_frame(frame, to + length, FRAME_LABEL);
}

static uint8_t *put_file_system(uint8_t *frame, size_t index, const struct file_system_id *id)
{
	uint8_t *to = bytes_put32(frame + FRAME_HEAD_BYTES, (uint32_t)index);

	to = bytes_put32(to, id->type);
	memcpy(to, id->uuid, sizeof(id->uuid));
	return end_frame(frame, to + sizeof(id->uuid), FRAME_FILE_SYSTEM);
}

static uint8_t *put_file(uint8_t *frame, const struct record_file *file)
{
	uint8_t *to = bytes_put64(frame + FRAME_HEAD_BYTES, file->ino);

	to = bytes_put64(to, file->labels);
	to = bytes_put64(to, file->since_ns);
	to = bytes_put32(to, file->generation);
	to = bytes_put32(to, file->hops);
	to = bytes_put16(to, file->file_system);
	to = bytes_put16(to, file->is_source);
	return end_frame(frame, to, FRAME_FILE);
}

static size_t count_labels(const struct record *record)
{
	size_t n = 0;

	for (size_t i = 0; i < RECORD_LABELS; i++)
		n += record->labels[i].kind != RECORD_NO_LABEL;
	return n;
}

int record_encode(const struct record *record, uint8_t **ret_data, size_t *ret_size)
{
	size_t n_labels = count_labels(record);
	size_t room = RECORD_HEADER_BYTES +
		      n_labels * (FRAME_BYTES + LABEL_HEAD_BYTES + RECORD_NAME_BYTES) +
		      record->n_file_systems * (FRAME_BYTES + FILE_SYSTEM_PAYLOAD_BYTES) +
		      record->n_files * RECORD_FILE_BYTES;
	uint8_t *data = malloc(room), *to;

	if (!data)
		return -ENOMEM;
	to = bytes_put32(bytes_put32(data, MAGIC), RECORD_VERSION);
	to = bytes_put32(bytes_put32(to, (uint32_t)n_labels), (uint32_t)record->n_file_systems);
	to = bytes_put32(to, (uint32_t)record->n_files);
	to = bytes_put32(to, bytes_checksum(data, (size_t)(to - data)));
	for (size_t i = 0; i < RECORD_LABELS; i++)
		if (record->labels[i].kind != RECORD_NO_LABEL)
			to = put_label(to, i, &record->labels[i]);
	for (size_t i = 0; i < record->n_file_systems; i++)
		to = put_file_system(to, i, &record->file_systems[i]);
	for (size_t i = 0; i < record->n_files; i++)
		to = put_file(to, &record->files[i]);
	*ret_data = data;
	*ret_size = (size_t)(to - data);
	return 0;
}

/* ---- reading ---- */

static bool is_size_of(enum frame_type type, size_t size)
{
	switch (type) {
	case FRAME_LABEL:
		return size > LABEL_HEAD_BYTES && size < LABEL_HEAD_BYTES + RECORD_NAME_BYTES;
	case FRAME_FILE_SYSTEM:
		return size == FILE_SYSTEM_PAYLOAD_BYTES;
	case FRAME_FILE:
		return size == FILE_PAYLOAD_BYTES;
	}
	return false;
}

/* The size of the payload of the whole frame that begins here, or 0. */
static size_t check_frame(const uint8_t *frame, size_t room)
{
	size_t size;

	if (room < FRAME_BYTES)
		return 0;
	size = bytes_get16(frame + 2);
	if (frame[1] != 0 || !is_size_of((enum frame_type)frame[0], size) ||
	    size > room - FRAME_BYTES ||
	    bytes_get32(frame + FRAME_HEAD_BYTES + size) !=
		    bytes_checksum(frame, FRAME_HEAD_BYTES + size))
		return 0;
	return size;
}

static void take_label(const uint8_t *payload, size_t size, struct record *record)
{
	struct record_label *label;

	if (payload[0] >= RECORD_LABELS || payload[1] < RECORD_CLASS || payload[1] > RECORD_ORIGIN)
		return;
	label = &record->labels[payload[0]];
	*label = (struct record_label){.kind = (enum record_label_kind)payload[1]};
	memcpy(label->name, payload + LABEL_HEAD_BYTES, size - LABEL_HEAD_BYTES);
}

static void take_file_system(const uint8_t *payload, struct record *record)
{
	uint32_t index = bytes_get32(payload);

	if (index >= record->n_file_systems)
		return;
	record->file_systems[index].type = bytes_get32(payload + 4);
	memcpy(record->file_systems[index].uuid, payload + 8, FILE_SYSTEM_UUID_BYTES);
}

static void take_file(const uint8_t *payload, struct record *record)
{
	record->files[record->n_files++] = (struct record_file){
		.ino = bytes_get64(payload),
		.labels = bytes_get64(payload + 8),
		.since_ns = bytes_get64(payload + 16),
		.generation = bytes_get32(payload + 24),
		.hops = bytes_get32(payload + 28),
		.file_system = bytes_get16(payload + 32),
		.is_source = bytes_get16(payload + 34),
	};
}

/* After damage the next whole frame is looked for byte by byte. */
static void take_frames(const uint8_t *data, size_t size, size_t max_files, struct record *record)
{
	for (size_t at = RECORD_HEADER_BYTES; at < size;) {
		size_t payload_size = check_frame(data + at, size - at);
		const uint8_t *payload = data + at + FRAME_HEAD_BYTES;

		if (payload_size == 0) {
			at++;
			continue;
		}
		if (data[at] == FRAME_LABEL)
			take_label(payload, payload_size, record);
		else if (data[at] == FRAME_FILE_SYSTEM)
			take_file_system(payload, record);
		else if (record->n_files < max_files)
			take_file(payload, record);
		at += FRAME_BYTES + payload_size;
	}
}

/* A file whose file system or labels were in a damaged frame is no use. */
static void drop_torn_files(struct record *record)
{
	size_t kept = 0;
	uint64_t whole = 0;

	for (size_t i = 0; i < RECORD_LABELS; i++)
		if (record->labels[i].kind != RECORD_NO_LABEL)
			whole |= UINT64_C(1) << i;
	for (size_t i = 0; i < record->n_files; i++) {
		struct record_file file = record->files[i];

		file.labels &= whole;
		if (file.labels && file.file_system < record->n_file_systems &&
		    record->file_systems[file.file_system].type)
			record->files[kept++] = file;
	}
	record->n_files = kept;
}

static int check_header(const uint8_t *data, size_t size)
{
	if (size < RECORD_HEADER_BYTES || bytes_get32(data) != MAGIC)
		return -EBADMSG;
	/* Of a later version not even the place of the checksum is known. */
	if (bytes_get32(data + 4) > RECORD_VERSION)
		return -EPROTONOSUPPORT;
	if (bytes_get32(data + RECORD_HEADER_BYTES - 4) !=
		    bytes_checksum(data, RECORD_HEADER_BYTES - 4) ||
	    bytes_get32(data + 12) > RECORD_FILE_SYSTEMS_MAX)
		return -EBADMSG;
	return 0;
}

int record_decode(const uint8_t *data, size_t size, struct record *ret_record, uint64_t *ret_lost)
{
	size_t expected, room = size / RECORD_FILE_BYTES;
	struct record record = {};
	int r = check_header(data, size);

	if (r < 0)
		return r;
	expected = bytes_get32(data + 16);
	record.n_file_systems = bytes_get32(data + 12);
	/* What is not there needs no room, whatever the header says. */
	if (room > expected)
		room = expected;
	record.file_systems = calloc(record.n_file_systems + 1, sizeof(*record.file_systems));
	record.files = calloc(room + 1, sizeof(*record.files));
	if (!record.file_systems || !record.files) {
		record_done(&record);
		return -ENOMEM;
	}
	take_frames(data, size, room, &record);
	drop_torn_files(&record);
	*ret_lost = expected - record.n_files;
	*ret_record = record;
	return 0;
}

void record_done(struct record *record)
{
	free(record->file_systems);
	free(record->files);
	record->file_systems = NULL;
	record->files = NULL;
	record->n_file_systems = record->n_files = 0;
}
