/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SPOOL_SPOOL_H
#define WEIR_AGENT_SPOOL_SPOOL_H

/*
 * The agent's durable queue: what was appended and synced is there after a
 * crash or a power cut, until it is acknowledged. Every record has a seq, from
 * 1 on and without holes: a record that the disk did not give back is handed
 * out as lost, under its seq, never skipped. Nothing is overwritten at the
 * limit or on a full disk: the append fails, and is counted.
 *
 * Files: DIR/<first seq, 20 digits>.seg of records {magic, size, seq, CRC32 of
 * the data, CRC32 of the header}, DIR/numbering, DIR/lock.
 */

#include <stddef.h>
#include <stdint.h>

#define SPOOL_RECORD_MAX_BYTES (64 * 1024)
#define SPOOL_LIMIT_DEFAULT_BYTES (256 * 1024 * 1024)

struct spool;

struct spool_counts {
	uint64_t appended;   /* since open, like all but the last four */
	uint64_t dropped;    /* appends refused or withdrawn: limit, full disk, failed sync */
	uint64_t lost;       /* seqs handed out as lost because the file is damaged */
	uint64_t torn_bytes; /* cut from the end of the last segment at open */
	uint64_t first_seq;  /* the oldest not acknowledged, next_seq when there is none */
	uint64_t next_seq;
	uint64_t bytes; /* on disk */
	uint64_t limit_bytes;
};

/*
 * Makes DIR (0700) when missing. Returns 0, -EBUSY when another process has it
 * open, -EINVAL for a limit below 16 KiB, -errno. A torn tail is cut, and its
 * seq is handed out as lost.
 */
int spool_open(const char *dir, uint64_t limit_bytes, struct spool **ret_spool);
void spool_close(struct spool *spool);

/*
 * Returns 0, -ENOSPC at the limit or on a full disk, -EINVAL for no data,
 * -EMSGSIZE above SPOOL_RECORD_MAX_BYTES, -errno; then no seq is used up. The
 * record is durable, and can be read, after the next spool_sync().
 */
int spool_append(struct spool *spool, const void *data, size_t size, uint64_t *ret_seq);

/* Returns 0 or -errno: then the records since the last good sync are withdrawn and counted. */
int spool_sync(struct spool *spool);

/* data is NULL for a lost record. Returns 0 to go on, 1 to stop before this one, -errno. */
typedef int (*spool_visit_fn)(void *userdata, uint64_t seq, const void *data, size_t size);

/*
 * Visits the synced records from from_seq on (or from the oldest there is),
 * in order and without holes, until max_bytes of data were taken. Returns 0 or
 * -errno (of the disk, or what visit returned).
 */
int spool_read(struct spool *spool, uint64_t from_seq, size_t max_bytes, spool_visit_fn visit,
	       void *userdata);

/* Deletes what lies wholly at or before upto_seq. Returns 0, -EINVAL beyond the last synced,
 * -errno. */
int spool_ack(struct spool *spool, uint64_t upto_seq);

/*
 * Told the highest seq that the collector holds of this agent, before anything
 * is sent: where the spool is a new one (its disk was replaced) or an old copy,
 * its records are renumbered to follow, so that none is taken for a repeat.
 * Returns 0 or -errno (then nothing must be sent).
 */
int spool_settle(struct spool *spool, uint64_t collector_last_seq);

static inline void spool_closep(struct spool **spool)
{
	spool_close(*spool);
}

uint64_t spool_next_seq(const struct spool *spool);
void spool_count(const struct spool *spool, struct spool_counts *ret_counts);

#endif
