/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_MODEL_H
#define WEIR_POLICY_POLICY_MODEL_H

/*
 * What a policy is made of while it is read and afterwards: first the raw
 * sections with the file and line of every value, then the checked policy.
 * Seen by the policy module's own files only; everybody else uses policy.h.
 */

#include <stdlib.h>

#include "policy/policy.h"

/* Limits, each with a problem that names it. */
#define POLICY_MAX_FILE_BYTES (1u << 20)
#define POLICY_MAX_FILES 256
#define POLICY_MAX_SECTIONS 4096
#define POLICY_MAX_PROBLEMS 100
#define POLICY_MAX_NAME_BYTES 63
#define POLICY_MAX_ADDRESSES_PER_NAME 64
#define POLICY_MAX_FOLDERS 1024
#define POLICY_MAX_LABELS 64

/* How a file is named by what is in it, where a program may be named. */
#define POLICY_SHA256_PREFIX "sha256:"
#define POLICY_SHA256_DIGITS 64

enum policy_section_kind {
	POLICY_SECTION_CLASS,
	POLICY_SECTION_CRM,
	POLICY_SECTION_EXPORT,
	POLICY_SECTION_CLIENT,
	POLICY_SECTION_TRUSTED,
	POLICY_SECTION_SINK,
	POLICY_SECTION_HUB,
	POLICY_SECTION_BROWSER,
	POLICY_SECTION_RECORD,
	POLICY_SECTION_SENSOR,
	POLICY_SECTION_PEOPLE,
	POLICY_SECTION_DETECT,
	POLICY_N_SECTION_KINDS,
};

/* One value as it stood in a file; file is owned by the draft. */
struct policy_entry {
	char *key;
	char *value;
	const char *file;
	unsigned int line;
};

struct policy_section {
	enum policy_section_kind kind;
	char *name; /* "" for [sensor] and [people] */
	const char *file;
	unsigned int line;
	struct policy_entry *entries;
	size_t n_entries;
};

/* Everything that was read, later values in place of earlier ones. */
struct policy_draft {
	char *folder; /* of the main file, absolute; relative paths start here */
	char **files;
	size_t n_files;
	struct policy_section *sections;
	size_t n_sections;
	char *bytes; /* all that was read, for the fingerprint */
	size_t n_bytes;
};

/* A host name and what it last resolved to. */
struct policy_host {
	char *name;
	struct policy_range *ranges;
	size_t n_ranges;
};

/* A proxy or a shared address; without a name it is an address or a range. */
struct policy_way {
	struct policy_host host;
	unsigned int port; /* 0: any */
};

/* The hosts of the zone of the same index. */
struct policy_hosts {
	struct policy_range *literals;
	size_t n_literals;
	struct policy_host *names; /* also "*.crm.test", which never resolves */
	size_t n_names;
	struct policy_way *ways; /* to a CRM */
	size_t n_ways;
	bool is_shared; /* others may have the addresses of its names, too */
};

struct policy_list {
	char **items; /* without blanks around them, none empty */
	size_t n_items;
};

/* A folder as written; struct policy_folder are its matches. */
struct policy_pattern {
	enum event_role role;
	char *name;
	char *glob; /* absolute, without a slash at the end */
	char *kind; /* of a sink; "" otherwise */
	uint64_t labels;
	bool is_allowed;
};

/* A [sink] that is a disk or a share; what is empty matches any. */
struct policy_device {
	char *name;
	char *kinds;                       /* kinds and groups of them, joined by "," */
	struct policy_list serials, uuids; /* globs */
	bool is_allowed;
};

struct policy_origin {
	char *name;
	uint64_t label;
};

struct policy_uids {
	uint32_t first, last;
};

struct policy_setting {
	char *detector;
	const char *key; /* of the table of known keys */
	int64_t value;
};

struct policy {
	struct policy_class *classes;
	size_t n_classes;
	struct policy_zone *zones;
	struct policy_hosts *hosts;
	size_t n_zones;
	struct policy_pattern *patterns;
	size_t n_patterns;
	struct policy_folder *folders;
	size_t n_folders;
	struct policy_device *devices;
	size_t n_devices;
	struct policy_executable *executables;
	size_t n_executables;
	struct policy_list browsers; /* globs of paths, beside the built-in ones */
	struct policy_record *records;
	size_t n_records;
	struct policy_origin *origins;
	size_t n_origins;
	struct policy_uids *staff;
	size_t n_staff;
	char *accounts_file;
	char *pseudonym_key_file;
	struct policy_sensor sensor;
	struct policy_setting *settings;
	size_t n_settings;
	char fingerprint[65];
};

/* Room for one more item: the address of the new, zeroed last item, or NULL. */
void *policy_model_add(void *array_pointer, size_t *n_items, size_t item_size);

void policy_draft_done(struct policy_draft *draft);
void policy_section_done(struct policy_section *section);
const struct policy_entry *policy_section_find(const struct policy_section *section,
					       const char *key);

#endif
