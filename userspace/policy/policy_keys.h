/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_KEYS_H
#define WEIR_POLICY_POLICY_KEYS_H

/*
 * The tables of everything a policy file may say: sections, their keys,
 * detectors and their settings, kinds of sinks, grades, legal categories, and
 * the hubs every desktop has. A new detector setting needs a line here only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy_model.h"

struct policy_section_keys {
	const char *section;
	bool has_name;
	const char *const *keys;
	size_t n_keys;
	const char *example; /* of its first line and a value */
};

/* Indexed by enum policy_section_kind. */
extern const struct policy_section_keys policy_keys_sections[POLICY_N_SECTION_KINDS];

struct policy_setting_key {
	const char *detector; /* NULL: every detector has it */
	const char *key;
	int64_t least, most;
	bool is_switch; /* yes or no */
};

extern const struct policy_setting_key policy_keys_settings[];
extern const size_t policy_keys_n_settings;

extern const char *const policy_keys_detectors[];
extern const size_t policy_keys_n_detectors;
extern const char *const policy_keys_sink_kinds[];
extern const size_t policy_keys_n_sink_kinds;
/* What "device" of a [sink] may say: kinds, and the groups of them. */
extern const char *const policy_keys_devices[];
extern const size_t policy_keys_n_devices;
extern const char *const policy_keys_grades[];
extern const size_t policy_keys_n_grades;
extern const char *const policy_keys_categories[];
extern const size_t policy_keys_n_categories;

extern const char *const policy_keys_record_kinds[];
extern const size_t policy_keys_n_record_kinds;

#define POLICY_KEYS_INPUT_METHOD "input-method" /* the name of those of these hubs */

struct policy_hub {
	const char *name;
	const char *path;
};

extern const struct policy_hub policy_keys_hubs[];
extern const size_t policy_keys_n_hubs;

struct policy_default_sink {
	const char *name;
	const char *glob;
	const char *kind;
};

/* Folders that a cloud's client keeps the same as its server, where it puts them by itself; the
 * socket of the print server. */
extern const struct policy_default_sink policy_keys_default_sinks[];
extern const size_t policy_keys_n_default_sinks;

/* "removable", "network" or "". */
const char *policy_keys_device_group(const char *kind);

/* Where data comes in that somebody outside wrote: origins are tracked unless the policy says no.
 */
bool policy_keys_kind_has_origin(const char *sink_kind);

/* The kind of a section's word, or -ENOENT. */
int policy_keys_find_section(const char *word);

/* The setting of a detector by key, or NULL. */
const struct policy_setting_key *policy_keys_find_setting(const char *detector, const char *key);

#endif
