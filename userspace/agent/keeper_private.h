/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_KEEPER_PRIVATE_H
#define WEIR_AGENT_KEEPER_PRIVATE_H

/* Shared by the two ways of the keeper: from the kernel to the record, and back. */

#include "agent/keeper.h"
#include "agent/labels/kept.h"
#include "agent/labels/mounts.h"

#define KEEPER_TYPES_MAX 16
#define KEEPER_TYPE_BYTES 32

struct keeper {
	struct keeper_config config; /* path is the keeper's own */
	struct kept *kept;
	struct mounts *mounts;
	struct keeper_counts counts;
	uint64_t seen_changes; /* sensor_label_changes() at the last look into the table */
	uint64_t not_before_ns;
	uint64_t pruned_ns;                  /* 0: never */
	uint64_t ask_not_before_ns, n_asked; /* of the files in the kernel's table, in this round */
	bool is_dirty, is_failing;
	char told_types[KEEPER_TYPES_MAX]
		       [KEEPER_TYPE_BYTES]; /* of file systems that are not kept */
	size_t n_told_types;
};

void keeper_tell(const struct keeper *keeper, enum keeper_news news, uint64_t n, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* keeper_prune.c: files that are gone leave the kernel's table, where that is crowded. */
void keeper_prune_table(struct keeper *keeper, uint64_t now_ns);
/* keeper_restore.c */
void keeper_tell_loading(struct keeper *keeper, const struct kept_loading *loading);
/* Sets the labels of the files of all places that before (NULL: none) did not have. */
void keeper_restore(struct keeper *keeper, const struct mounts *before);

#endif
