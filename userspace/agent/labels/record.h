/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_LABELS_RECORD_H
#define WEIR_AGENT_LABELS_RECORD_H

/*
 * The bytes of the record of labelled files: a header that says how much
 * follows, then one frame for each label, file system and file, each with a
 * checksum of its own. Of a damaged record every frame that is whole is read,
 * and what is missing is counted.
 *
 * Little endian. Header: magic, version, labels, file systems, files, CRC32.
 * Frame: type, 0, size of the payload, payload, CRC32 of all before.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/labels/file_system.h"

#define RECORD_VERSION 1
#define RECORD_HEADER_BYTES 24
#define RECORD_FILE_BYTES 44 /* what one more file takes */
#define RECORD_LABELS 64
#define RECORD_NAME_BYTES 256
#define RECORD_FILE_SYSTEMS_MAX 4096

enum record_label_kind {
	RECORD_NO_LABEL = 0,
	RECORD_CLASS = 1,
	RECORD_ORIGIN = 2,
};

struct record_label {
	enum record_label_kind kind;
	char name[RECORD_NAME_BYTES];
};

struct record_file {
	uint64_t ino;
	uint64_t labels;   /* bit i: labels[i] of the record */
	uint64_t since_ns; /* CLOCK_REALTIME */
	uint32_t generation;
	uint32_t hops;
	uint16_t file_system; /* its place in the record */
	bool is_source;
};

struct record {
	struct record_label labels[RECORD_LABELS];
	struct file_system_id *file_systems;
	size_t n_file_systems;
	struct record_file *files;
	size_t n_files;
};

/* The caller frees. Returns 0 or -ENOMEM. */
int record_encode(const struct record *record, uint8_t **ret_data, size_t *ret_size);

/*
 * Returns 0 with *ret_lost files that the header counts and that are not whole, or of which no
 * label is; -EBADMSG when the header is damaged; -EPROTONOSUPPORT for a later version; -ENOMEM.
 */
int record_decode(const uint8_t *data, size_t size, struct record *ret_record, uint64_t *ret_lost);
void record_done(struct record *record);

#endif
