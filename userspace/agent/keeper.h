/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_KEEPER_H
#define WEIR_AGENT_KEEPER_H

/*
 * Labels of files over a reboot: where sensor and labels meet. The kernel's
 * table is written down when it has changed, and after a boot, and when a file
 * system is mounted, the labels are set again on files that are provably the
 * same. A file that took over an inode number gets none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keeper;
struct policy;
struct sensor;

/* What is not as one would expect, and must be said. */
enum keeper_news {
	KEEPER_LOSS, /* labels of n files, 0 when it is not known of how many, are not kept */
	KEEPER_GAP,  /* labels of files there are never kept */
};

struct keeper_config {
	const char *path; /* of the record */
	struct sensor *sensor;
	const struct policy *policy;
	size_t max_files;
	void (*tell)(void *userdata, enum keeper_news news, uint64_t n, const char *detail);
	void *userdata;
};

struct keeper_counts {
	uint64_t kept;     /* files in the record */
	uint64_t restored; /* labels set on files since the start, like all below */
	uint64_t gone;     /* files that were not there any more, or another file in their place */
	uint64_t refused;  /* files that did not fit */
	uint64_t unnamed;  /* files with a label that the policy has no more */
	uint64_t writes;
};

/* Loads the record and sets the labels of what is mounted. config's pointers are the caller's, and
 * stay. Returns 0 or -errno; a record that is not usable is told, and no error. */
int keeper_new(const struct keeper_config *config, struct keeper **ret_keeper);
/* Writes nothing. */
void keeper_free(struct keeper *keeper);

/* Cheap when no label was set since. Writes at most every few seconds, and seldom enough to cost
 * below one percent of the time. */
void keeper_look(struct keeper *keeper, uint64_t now_ns);
/* Now, whatever the time. Returns 0, or -errno, which was told. */
int keeper_write(struct keeper *keeper);
/* Sets the labels of what came, and takes note of those of what went. */
void keeper_mounts_changed(struct keeper *keeper);

void keeper_count(const struct keeper *keeper, struct keeper_counts *ret_counts);

static inline void keeper_freep(struct keeper **keeper)
{
	keeper_free(*keeper);
}

#endif
