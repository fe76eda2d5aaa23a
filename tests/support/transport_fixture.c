/* SPDX-License-Identifier: GPL-2.0-only */
#include "transport_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "event/event_codec.h"

char *transport_make_dir(void)
{
	char template[] = "/tmp/weir-transport-XXXXXX";

	assert_non_null(mkdtemp(template));
	return strdup(template);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

void transport_remove_dir(char *dir)
{
	char disk[512];

	/* A test that failed half-way leaves its small disk mounted. */
	snprintf(disk, sizeof(disk), "%s/disk", dir);
	(void)umount2(disk, MNT_DETACH);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

bool transport_mount_small_disk(const char *dir, unsigned int kibibytes)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%uk,mode=0700", kibibytes);
	assert_true(mkdir(dir, 0700) == 0 || errno == EEXIST);
	return mount("weir-test", dir, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

void transport_unmount(const char *dir)
{
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

void transport_fill_disk(const char *dir)
{
	static const char zeros[4096];
	char path[512];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/ballast", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
}

void transport_free_disk(const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/ballast", dir);
	assert_int_equal(unlink(path), 0);
}

struct identity_files transport_identity(struct transport_paths *paths, const char *authority_dir,
					 const char *dir, const char *file)
{
	snprintf(paths->authority, sizeof(paths->authority), "%s/ca.crt", authority_dir);
	snprintf(paths->certificate, sizeof(paths->certificate), "%s/%s.crt", dir, file);
	snprintf(paths->key, sizeof(paths->key), "%s/%s.key", dir, file);
	return (struct identity_files){paths->authority, paths->certificate, paths->key};
}

static int collector_on_batch(void *userdata, const char *agent, uint64_t first_seq,
			      struct event **events, size_t n_events)
{
	struct transport_collector *collector = userdata;
	_cleanup_free_ uint64_t(*pairs)[2] = calloc(n_events, sizeof(*pairs));
	off_t size = lseek(collector->fd, 0, SEEK_END);
	size_t n = 0, repeats = 0;

	collector->calls++;
	assert_non_null(pairs);
	if (collector->failures_to_come > 0) {
		collector->failures_to_come--;
		return -ENOSPC;
	}
	for (size_t i = 0; i < n_events; i++) {
		assert_int_equal(events[i]->seq, first_seq + i);
		assert_string_equal(events[i]->agent, agent);
		if (events[i]->seq <= collector->last_seq) {
			repeats++;
			continue;
		}
		pairs[n][0] = events[i]->seq;
		pairs[n++][1] = events[i]->kind;
	}
	if (write(collector->fd, pairs, n * sizeof(*pairs)) != (ssize_t)(n * sizeof(*pairs)) ||
	    fdatasync(collector->fd) < 0) {
		assert_int_equal(ftruncate(collector->fd, size), 0);
		return -ENOSPC;
	}
	if (n > 0)
		collector->last_seq = pairs[n - 1][0];
	collector->repeats += repeats;
	return 0;
}

static int collector_last_seq(void *userdata, const char *agent, uint64_t *ret_seq)
{
	const struct transport_collector *collector = userdata;

	(void)agent;
	*ret_seq = collector->last_seq;
	return 0;
}

static void collector_on_note(void *userdata, const char *who, const char *text)
{
	struct transport_collector *collector = userdata;
	size_t used = strlen(collector->notes);

	snprintf(collector->notes + used, sizeof(collector->notes) - used, "%s: %s\n", who, text);
}

static int committed_open(const char *data_dir, int flags)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/committed", data_dir);
	return open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0600);
}

void transport_collector_start(struct transport_collector *collector, sd_event *event,
			       const char *identity_dir, const char *data_dir, uint16_t port,
			       const struct ingest_config *config)
{
	struct ingest_config filled = config ? *config : (struct ingest_config){};
	_cleanup_free_ uint64_t(*pairs)[2] = NULL;
	struct transport_paths paths;
	char *reason = NULL;
	size_t n;
	int r;

	memset(collector, 0, sizeof(*collector));
	collector->event = event;
	collector->fd = committed_open(data_dir, O_CREAT);
	assert_true(collector->fd >= 0);
	n = transport_committed(data_dir, &pairs);
	collector->last_seq = n ? pairs[n - 1][0] : 0;
	filled.port = port;
	filled.identity = transport_identity(&paths, identity_dir, identity_dir, "collector");
	filled.last_seq = collector_last_seq;
	filled.on_note = collector_on_note;
	r = ingest_new(event, &filled, collector_on_batch, collector, &collector->ingest, &reason);
	if (r < 0)
		fail_msg("%s", reason);
}

void transport_collector_stop(struct transport_collector *collector)
{
	ingest_free(TAKE(collector->ingest));
	close(collector->fd);
}

struct ingest_counts transport_collector_counts(const struct transport_collector *collector)
{
	struct ingest_counts counts;

	ingest_count(collector->ingest, &counts);
	return counts;
}

size_t transport_committed(const char *data_dir, uint64_t (**ret_pairs)[2])
{
	_cleanup_close_ int fd = committed_open(data_dir, 0);
	struct stat status;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	*ret_pairs = malloc((size_t)status.st_size + 1);
	assert_non_null(*ret_pairs);
	assert_int_equal(pread(fd, *ret_pairs, (size_t)status.st_size, 0), status.st_size);
	return (size_t)status.st_size / sizeof(**ret_pairs);
}

size_t transport_assert_committed_once(const char *data_dir, uint64_t n)
{
	_cleanup_free_ uint64_t(*pairs)[2] = NULL;
	size_t n_losses = 0;

	assert_int_equal(transport_committed(data_dir, &pairs), n);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(pairs[i][0], i + 1);
		n_losses += pairs[i][1] == EVENT_LOSS;
	}
	return n_losses;
}

static int agent_read(void *userdata, uint64_t from_seq, size_t max_bytes, uplink_visit_fn visit,
		      void *visit_userdata)
{
	return spool_read(userdata, from_seq, max_bytes, visit, visit_userdata);
}

static int agent_ack(void *userdata, uint64_t upto_seq)
{
	return spool_ack(userdata, upto_seq);
}

static int agent_settle(void *userdata, uint64_t collector_last_seq)
{
	return spool_settle(userdata, collector_last_seq);
}

static void agent_on_state(void *userdata, enum uplink_state state, const char *reason)
{
	struct transport_agent *agent = userdata;

	assert_true((reason != NULL) == (state == UPLINK_WAITING));
	agent->waits += state == UPLINK_WAITING;
}

void transport_agent_start(struct transport_agent *agent, sd_event *event, const char *identity_dir,
			   const char *data_dir, uint16_t port,
			   const struct identity_files *identity, const char *collector_name)
{
	struct transport_paths paths;
	struct uplink_config config = {
		.host = "127.0.0.1",
		.port = port,
		.collector_name = collector_name,
		.agent = TRANSPORT_AGENT,
		.boot_id = "boot",
		.on_state = agent_on_state,
		.on_state_userdata = agent,
		.backoff_first_ms = 20,
		.backoff_max_ms = 200,
		.batch_bytes = 4096,
		.window_bytes = 16384,
	};
	char path[512];

	memset(agent, 0, sizeof(*agent));
	agent->event = event;
	snprintf(path, sizeof(path), "%s/spool", data_dir);
	assert_int_equal(spool_open(path, SPOOL_LIMIT_DEFAULT_BYTES, &agent->spool), 0);
	config.identity = identity
				  ? *identity
				  : transport_identity(&paths, identity_dir, identity_dir, "agent");
	config.reader = (struct uplink_reader){agent_read, agent_ack, agent_settle, agent->spool};
	assert_int_equal(uplink_new(event, &config, &agent->uplink, NULL), 0);
}

void transport_agent_stop(struct transport_agent *agent)
{
	uplink_free(TAKE(agent->uplink));
	spool_close(TAKE(agent->spool));
}

void transport_append_events(struct spool *spool, size_t n)
{
	_cleanup_(event_freep) struct event *event = event_new();

	assert_non_null(event);
	event->kind = EVENT_FLOW;
	event->object.name = strdup("/srv/export/customers.csv");
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ uint8_t *data = NULL;
		size_t size;

		event->time_ns = clock_realtime_ns();
		event->bytes_total += 4096;
		assert_int_equal(event_encode(event, &data, &size), 0);
		assert_int_equal(spool_append(spool, data, size, NULL), 0);
	}
	assert_int_equal(spool_sync(spool), 0);
}

struct uplink_counts transport_agent_counts(const struct transport_agent *agent)
{
	struct uplink_counts counts;

	uplink_count(agent->uplink, &counts);
	return counts;
}

void transport_run_until(sd_event *event, transport_done_fn done, void *userdata,
			 unsigned int timeout_ms)
{
	uint64_t deadline_ns = clock_boottime_ns() + timeout_ms * UINT64_C(1000000);

	while (!done(userdata)) {
		if (clock_boottime_ns() > deadline_ns)
			fail_msg("it did not happen within %u ms", timeout_ms);
		assert_true(sd_event_run(event, 5000) >= 0);
	}
}

void transport_run_for(sd_event *event, unsigned int ms)
{
	uint64_t deadline_ns = clock_boottime_ns() + ms * UINT64_C(1000000);

	while (clock_boottime_ns() < deadline_ns)
		assert_true(sd_event_run(event, 5000) >= 0);
}

bool transport_agent_has_no_backlog(void *userdata)
{
	const struct transport_agent *agent = userdata;
	struct spool_counts counts;

	spool_count(agent->spool, &counts);
	return uplink_state(agent->uplink) == UPLINK_CONNECTED &&
	       counts.first_seq == counts.next_seq;
}

bool transport_agent_waits(void *userdata)
{
	const struct transport_agent *agent = userdata;

	return uplink_state(agent->uplink) == UPLINK_WAITING;
}
