/* SPDX-License-Identifier: GPL-2.0-only */

/* The kept files on disk: between bits of the policy and names, and between file systems and their
 * places in the record. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/labels/kept.h"
#include "agent/labels/record.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "policy/policy.h"

/* Of 16 million files: more is no record of ours. */
#define RECORD_MAX_BYTES (RECORD_FILE_BYTES * (16ull << 20))

static void set_label(struct record *record, unsigned int bit, enum record_label_kind kind,
		      const char *name)
{
	record->labels[bit].kind = kind;
	snprintf(record->labels[bit].name, RECORD_NAME_BYTES, "%s", name);
}

/* In a record that is written, a label has the place of its bit in the policy. */
static void name_labels(const struct policy *policy, struct record *record)
{
	const struct policy_class *classes;
	const struct policy_zone *zones;
	size_t n_classes = policy_classes(policy, &classes), n_zones = policy_zones(policy, &zones);

	for (size_t i = 0; i < n_classes; i++)
		set_label(record, classes[i].index, RECORD_CLASS, classes[i].name);
	for (size_t i = 0; i < n_zones; i++)
		if (zones[i].role == EVENT_ROLE_SINK && zones[i].labels)
			set_label(record, (unsigned int)__builtin_ctzll(zones[i].labels),
				  RECORD_ORIGIN, zones[i].name);
}

/* ---- loading ---- */

static bool is_same(const struct record_label *a, const struct record_label *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

static uint64_t bit_in(const struct record *known, const struct record_label *label)
{
	for (unsigned int bit = 0; bit < RECORD_LABELS; bit++)
		if (label->kind != RECORD_NO_LABEL && is_same(&known->labels[bit], label))
			return UINT64_C(1) << bit;
	return 0;
}

static int take(struct kept *kept, const struct record *record, const uint64_t bits[RECORD_LABELS],
		struct kept_loading *loading)
{
	int r = 0;

	for (size_t i = 0; i < record->n_files && r != -ENOMEM; i++) {
		const struct record_file *stored = &record->files[i];
		struct kept_file file = {.file_system = record->file_systems[stored->file_system],
					 .ino = stored->ino,
					 .generation = stored->generation,
					 .hops = stored->hops,
					 .since_ns = stored->since_ns,
					 .is_source = stored->is_source};
		bool is_unnamed = false;

		for (uint64_t left = stored->labels; left; left &= left - 1) {
			file.labels |= bits[__builtin_ctzll(left)];
			is_unnamed |= !bits[__builtin_ctzll(left)];
		}
		loading->unnamed += is_unnamed;
		r = file.labels ? kept_put(kept, &file) : 0;
		loading->over += r == -ENOSPC;
	}
	return r == -ENOMEM ? r : 0;
}

static int take_record(struct kept *kept, const struct record *record, const struct policy *policy,
		       struct kept_loading *loading)
{
	_cleanup_free_ struct record *known = calloc(1, sizeof(*known));
	uint64_t bits[RECORD_LABELS];

	if (!known)
		return -ENOMEM;
	name_labels(policy, known);
	for (size_t i = 0; i < RECORD_LABELS; i++)
		bits[i] = bit_in(known, &record->labels[i]);
	return take(kept, record, bits, loading);
}

/* The later version may come back, and find it. */
static int put_aside(const char *path)
{
	_cleanup_free_ char *beside = NULL;

	if (asprintf(&beside, "%s.newer", path) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	return rename(path, beside) < 0 ? -errno : 0;
}

int kept_load(struct kept *kept, const char *path, const struct policy *policy,
	      struct kept_loading *ret_loading)
{
	_cleanup_(record_done) struct record record = {};
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = file_read_all(path, RECORD_MAX_BYTES, &data, &size);

	*ret_loading = (struct kept_loading){};
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = record_decode((const uint8_t *)data, size, &record, &ret_loading->lost);
	if (r == -EPROTONOSUPPORT) {
		ret_loading->outcome = KEPT_NEWER;
		return put_aside(path);
	}
	if (r == -EBADMSG) {
		ret_loading->outcome = KEPT_DAMAGED;
		ret_loading->is_lost_unknown = true;
		return 0;
	}
	if (r == 0 && ret_loading->lost)
		ret_loading->outcome = KEPT_DAMAGED;
	return r < 0 ? r : take_record(kept, &record, policy, ret_loading);
}

/* ---- saving ---- */

struct saving {
	struct record record;
	int error;
};

static int place_of(struct record *record, const struct file_system_id *id)
{
	size_t i = 0;

	/* Files lie in order of their inode numbers; there are few file systems. */
	while (i < record->n_file_systems && !file_system_is_same(&record->file_systems[i], id))
		i++;
	if (i == RECORD_FILE_SYSTEMS_MAX)
		return -ENOSPC;
	if (i == record->n_file_systems)
		record->file_systems[record->n_file_systems++] = *id;
	return (int)i;
}

static bool save_file(void *userdata, const struct kept_file *file)
{
	struct saving *saving = userdata;
	struct record *record = &saving->record;
	int place = place_of(record, &file->file_system);

	if (place < 0) {
		saving->error = place;
		return true;
	}
	record->files[record->n_files++] = (struct record_file){.ino = file->ino,
								.labels = file->labels,
								.since_ns = file->since_ns,
								.generation = file->generation,
								.hops = file->hops,
								.file_system = (uint16_t)place,
								.is_source = file->is_source};
	return true;
}

int kept_save(struct kept *kept, const char *path, const struct policy *policy)
{
	struct saving saving = {};
	_cleanup_free_ uint8_t *data = NULL;
	size_t size;
	int r = -ENOMEM;

	saving.record.files = calloc(kept_size(kept) + 1, sizeof(*saving.record.files));
	saving.record.file_systems =
		calloc(RECORD_FILE_SYSTEMS_MAX, sizeof(*saving.record.file_systems));
	name_labels(policy, &saving.record);
	if (saving.record.files && saving.record.file_systems)
		r = kept_visit(kept, NULL, save_file, &saving);
	if (r == 0)
		r = saving.error;
	if (r == 0)
		r = record_encode(&saving.record, &data, &size);
	record_done(&saving.record);
	return r < 0 ? r : file_write_durably(path, data, size, 0600);
}
