/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "agent/spool/segment.h"
#include "agent/spool/spool_private.h"
#include "base/cleanup.h"
#include "base/file.h"

static struct spool_segment *spool_active(const struct spool *spool)
{
	return &spool->segments[spool->n_segments - 1];
}

static uint64_t spool_first_place(const struct spool *spool)
{
	uint64_t first_place = spool->segments[0].first_place;

	return spool->acked_place >= first_place ? spool->acked_place + 1 : first_place;
}

static int spool_load(struct spool *spool)
{
	int r;

	r = spool_files_lock(spool);
	if (r < 0)
		return r;
	r = spool_files_load_numbering(spool);
	if (r < 0)
		return r;
	r = spool_files_list(spool);
	if (r < 0)
		return r;
	if (spool->n_segments > 0)
		return spool_files_recover(spool);
	spool->next_place = spool->synced_place = 1;
	return spool_files_begin_segment(spool);
}

int spool_open(const char *dir, uint64_t limit_bytes, struct spool **ret_spool)
{
	_cleanup_(spool_closep) struct spool *spool = NULL;
	int r;

	if (limit_bytes < SPOOL_LIMIT_MIN_BYTES)
		return -EINVAL;
	r = file_make_dirs(dir, 0700);
	if (r < 0)
		return r;
	spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	spool->dir_fd = spool->lock_fd = spool->active_fd = -1;
	spool->limit_bytes = limit_bytes;
	spool->segment_bytes = limit_bytes / 8;
	if (spool->segment_bytes > SPOOL_SEGMENT_MAX_BYTES)
		spool->segment_bytes = SPOOL_SEGMENT_MAX_BYTES;
	spool->dir = strdup(dir);
	if (!spool->dir)
		return -ENOMEM;
	spool->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->dir_fd < 0)
		return -errno;
	r = spool_load(spool);
	if (r < 0)
		return r;
	*ret_spool = TAKE(spool);
	return 0;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	if (spool->active_fd >= 0) {
		if (spool->n_segments > 0)
			(void)spool_sync(spool);
		close(spool->active_fd);
	}
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	if (spool->dir_fd >= 0)
		close(spool->dir_fd);
	free(spool->segments);
	free(spool->dir);
	free(spool);
}

/* One write for header and data: a kill -9 leaves both or neither, a full disk a part that is cut.
 */
static int record_write(struct spool *spool, const void *data, size_t size)
{
	struct spool_segment *active = spool_active(spool);
	uint8_t header[SEGMENT_HEADER_BYTES];
	const struct iovec parts[] = {{header, sizeof(header)}, {(void *)data, size}};
	ssize_t n;
	int r;

	segment_write_header(header, spool->next_place, data, size);
	do
		n = pwritev(spool->active_fd, parts, 2, (off_t)active->bytes);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)(sizeof(header) + size))
		return 0;
	r = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && ftruncate(spool->active_fd, (off_t)active->bytes) < 0)
		return -errno;
	return r;
}

static int spool_make_room(struct spool *spool, size_t record_bytes)
{
	const struct spool_segment *active = spool_active(spool);
	int r;

	if (spool->total_bytes + record_bytes > spool->limit_bytes)
		return -ENOSPC;
	if (active->bytes == 0 || active->bytes + record_bytes <= spool->segment_bytes)
		return 0;
	r = spool_sync(spool);
	return r < 0 ? r : spool_files_begin_segment(spool);
}

int spool_append(struct spool *spool, const void *data, size_t size, uint64_t *ret_seq)
{
	const size_t record_bytes = SEGMENT_HEADER_BYTES + size;
	int r;

	if (size == 0)
		return -EINVAL;
	if (size > SPOOL_RECORD_MAX_BYTES) {
		spool->counts.dropped++;
		return -EMSGSIZE;
	}
	r = spool_make_room(spool, record_bytes);
	if (r == 0)
		r = record_write(spool, data, size);
	if (r < 0) {
		spool->counts.dropped++;
		return r;
	}
	spool_active(spool)->bytes += record_bytes;
	spool->total_bytes += record_bytes;
	spool->counts.appended++;
	if (ret_seq)
		*ret_seq = spool->next_place + spool->base;
	spool->next_place++;
	return 0;
}

/* After a failed fsync the kernel may call the pages clean: what they held cannot be trusted. */
static void spool_withdraw(struct spool *spool)
{
	struct spool_segment *active = spool_active(spool);

	spool->counts.dropped += spool->next_place - spool->synced_place;
	spool->counts.appended -= spool->next_place - spool->synced_place;
	spool->total_bytes -= active->bytes - spool->synced_bytes;
	active->bytes = spool->synced_bytes;
	spool->next_place = spool->synced_place;
	/* When this fails as well the next append writes over it. */
	if (ftruncate(spool->active_fd, (off_t)active->bytes) < 0)
		return;
}

int spool_sync(struct spool *spool)
{
	int r;

	if (spool->synced_place == spool->next_place)
		return 0;
	if (fdatasync(spool->active_fd) < 0) {
		r = -errno;
		spool_withdraw(spool);
		return r;
	}
	spool->synced_place = spool->next_place;
	spool->synced_bytes = spool_active(spool)->bytes;
	return 0;
}

int spool_ack(struct spool *spool, uint64_t upto_seq)
{
	uint64_t place = upto_seq - spool->base;
	int r;

	if (upto_seq < spool_first_place(spool) + spool->base)
		return 0;
	if (place >= spool->synced_place)
		return -EINVAL;
	spool->acked_place = place;
	/* A big last segment makes way for a new one, else its space would never come back. A
	 * disk too full for a new file is no harm: the next ack tries again. */
	if (place + 1 == spool->next_place &&
	    spool_active(spool)->bytes >= spool->segment_bytes / 4)
		(void)spool_files_begin_segment(spool);
	while (spool->n_segments > 1 && spool->segments[1].first_place <= place + 1) {
		r = spool_files_delete_first(spool);
		if (r < 0)
			return r;
	}
	return 0;
}

int spool_settle(struct spool *spool, uint64_t collector_last_seq)
{
	uint64_t base;
	int r;

	if (collector_last_seq == UINT64_MAX)
		return -EINVAL;
	if (spool->is_settled && collector_last_seq < spool->next_place + spool->base)
		return 0;
	base = collector_last_seq + 1 - spool_first_place(spool);
	r = spool_files_save_numbering(spool, base);
	if (r < 0)
		return r;
	spool->base = base;
	spool->is_settled = true;
	return 0;
}

uint64_t spool_next_seq(const struct spool *spool)
{
	return spool->next_place + spool->base;
}

void spool_count(const struct spool *spool, struct spool_counts *ret_counts)
{
	*ret_counts = spool->counts;
	ret_counts->first_seq = spool_first_place(spool) + spool->base;
	ret_counts->next_seq = spool_next_seq(spool);
	ret_counts->bytes = spool->total_bytes;
	ret_counts->limit_bytes = spool->limit_bytes;
}
