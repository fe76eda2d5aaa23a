/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pipeline_scan.h"
#include "agent/scan/scan_key.h"
#include "agent/scan/scan_obstacle.h"
#include "agent/scan/scan_open.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define QUIET_NS 700000000ull /* without a write: whoever wrote it is done, for now */
/* Files that were written and have not left are read so many a sweep, so that whoever writes
 * thousands does not make the agent read them all. */
#define WRITTEN_PER_SWEEP 8
#define WRITTEN_MAX_BYTES (2ull << 20)
#define DEADLINE_US 20000000ull
#define FINISH_NS 3000000000ull
#define IDLE_NS 10000000000ull    /* then the process ends */
#define KNOWN_NS 3600000000000ull /* so long an unchanged file is not read once more */
#define MAX_TRIES 2 /* a process may have come to the end of its time by another file */

static int make_hello(struct agent *agent, struct scan_hello *hello)
{
	_cleanup_free_ char *path = NULL, *problem = NULL;
	const struct policy_record *records;
	int r;

	hello->n_rules = (uint32_t)policy_records(agent->policy, &records);
	for (size_t i = 0; i < hello->n_rules; i++) {
		struct scan_rule *rule = &hello->rules[i];

		rule->kind = records[i].kind;
		snprintf(rule->name, sizeof(rule->name), "%s", records[i].name);
		snprintf(rule->pattern, sizeof(rule->pattern), "%s", records[i].pattern);
	}
	if (asprintf(&path, "%s/record.key", agent->config.data_dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = scan_key_load(agent->config.record_key ?: path, hello->key, &problem);
	if (r < 0)
		log_error("cannot read the key of records: %s", problem ?: strerror(-r));
	return r;
}

int agent_start_scan(struct agent *agent)
{
	const struct policy_record *records;
	struct agent_scan *scan;
	int r;

	if (policy_records(agent->policy, &records) == 0)
		return agent_start_records(agent, (uint8_t[SIPHASH_KEY_BYTES]){});
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return -ENOMEM;
	scan->job.fd = -1;
	agent->scan = scan;
	r = scan_list_new(&scan->list);
	if (r == 0)
		r = make_hello(agent, &scan->hello);
	if (r == 0)
		r = agent_start_records(agent, scan->hello.key);
	return r;
}

static void end_process(struct agent_scan *scan)
{
	scan->answers = sd_event_source_disable_unref(scan->answers);
	scan->deadline = sd_event_source_disable_unref(scan->deadline);
	if (scan->process)
		scan_process_free(TAKE(scan->process));
}

static void end_job(struct agent_scan *scan)
{
	if (scan->job.fd >= 0)
		close(scan->job.fd);
	free(scan->job.path);
	scan->job = (struct agent_scan_job){.fd = -1};
	scan->deadline = sd_event_source_disable_unref(scan->deadline);
}

void agent_free_scan(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;

	if (!scan)
		return;
	end_job(scan);
	end_process(scan);
	scan_list_free(scan->list);
	explicit_bzero(&scan->hello, sizeof(scan->hello));
	free(scan);
	agent->scan = NULL;
}

void agent_scan_note_sender(struct agent *agent, uint64_t app_id)
{
	struct agent_scan *scan = agent->scan;

	if (scan)
		scan_list_note_sender(scan->list, app_id);
}

void agent_scan_note(struct agent *agent, const struct sensor_flow *flow, const struct event *event)
{
	struct agent_scan *scan = agent->scan;
	const struct scan_reader reader = {.app_id = flow->app_id, .pid = flow->pid};
	uint64_t classes = flow->labels & policy_class_mask(agent->policy);
	const struct scan_list_file seen = {.ino = flow->object.ino,
					    .dev = flow->object.dev,
					    .generation = flow->object.generation,
					    .labels = flow->labels,
					    .path = (char *)flow->path,
					    .touched_ns = flow->last_ns,
					    .is_received = !classes};

	if (!scan || !flow->labels)
		return;
	if (classes)
		scan->origins_met |= flow->labels & ~classes;
	if (event->kind == EVENT_EGRESS)
		agent_scan_note_sender(agent, flow->app_id);
	if (event->kind == EVENT_FLOW && event->object.kind == EVENT_OBJECT_FILE && flow->path[0])
		(void)scan_list_note(scan->list, &seen, flow->is_out, &reader);
}

static void fail_job(struct agent *agent, uint32_t obstacles)
{
	struct agent_scan *scan = agent->scan;
	struct scan_list_file *file = scan_list_find(scan->list, scan->job.file.dev,
						     scan->job.file.ino, scan->job.file.generation);

	scan->failed++;
	if (file && (scan->job.file.had_left || file->is_told))
		agent_scan_tell_failure(agent, file, obstacles);
	log_warning("a labelled file could not be read for records; its event says which and why");
	end_job(scan);
}

static void look_on(struct agent *agent);
static int send_job(struct agent *agent);

/* The process is gone with the file that it read: another one tries once more. */
static void lose_process(struct agent *agent, uint32_t obstacles)
{
	struct agent_scan *scan = agent->scan;

	end_process(scan);
	if (scan->job.fd < 0)
		return;
	if (obstacles == SCAN_STOPPED && scan->job.n_tries < MAX_TRIES && send_job(agent) == 0)
		return;
	fail_job(agent, obstacles);
}

/* Returns whether there was an answer, or the end of the process. */
static bool take_answer(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;
	struct scan_version version = {};
	struct scan_answer answer;
	uint32_t obstacles;
	int r = scan->process ? scan_process_receive(scan->process, &answer) : 0;

	if (r == 0)
		return false;
	if (r < 0 || scan->job.fd < 0 || answer.id != scan->ids) {
		lose_process(agent, SCAN_STOPPED);
		return true;
	}
	obstacles = answer.obstacles;
	if (scan_open_version(scan->job.fd, &version) < 0 ||
	    version.size != scan->job.version.size ||
	    version.modified_ns != scan->job.version.modified_ns)
		obstacles |= SCAN_CHANGED;
	scan->answered++;
	scan->last_answer_ns = clock_boottime_ns();
	agent_scan_tell(agent, &answer, obstacles);
	end_job(scan);
	return true;
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	(void)fd;
	(void)events;
	if (take_answer(agent))
		look_on(agent);
	agent_sweep_soon(agent);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t us, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	(void)us;
	lose_process(agent, SCAN_TOO_SLOW);
	look_on(agent);
	return 0;
}

static int start_process(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;
	int r;

	if (scan->process)
		return 0;
	r = scan_process_new("/proc/self/exe", &scan->hello, &scan->process);
	/* The loop of an agent that stops is over and takes nothing: agent_scan_finish() waits. */
	if (r == 0 && !agent->is_stopping)
		r = sd_event_add_io(agent->loop, &scan->answers, scan_process_fd(scan->process),
				    POLLIN, on_answer, agent);
	if (r < 0) {
		log_warning("cannot start the scanner of records: %s", strerror(-r));
		end_process(scan);
	}
	return r < 0 ? r : 0;
}

static int send_job(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;
	const struct scan_request request = {.id = ++scan->ids, .size = scan->job.version.size};
	int r = start_process(agent);

	scan->job.n_tries++;
	if (r == 0)
		r = scan_process_send(scan->process, &request, scan->job.fd);
	if (r == 0 && !agent->is_stopping)
		r = sd_event_add_time_relative(agent->loop, &scan->deadline, CLOCK_MONOTONIC,
					       DEADLINE_US, 0, on_deadline, agent);
	return r < 0 ? r : 0;
}

static bool is_same(const struct scan_version *a, const struct scan_version *b)
{
	return a->size == b->size && a->modified_ns == b->modified_ns &&
	       a->changed_ns == b->changed_ns;
}

/* The name that it was given since, if it was. */
static void update_path(struct agent *agent, struct scan_list_file *file)
{
	const struct labelled_file *known = labelled_files_find(agent->files, file->dev, file->ino);
	char *path = known && known->generation == file->generation ? strdup(known->path) : NULL;

	if (!path)
		return;
	free(file->path);
	file->path = path;
}

static bool is_known_as(const struct scan_list_file *file, const struct scan_version *version)
{
	return file->is_known && is_same(version, &file->version) &&
	       clock_boottime_ns() - file->known_ns < KNOWN_NS;
}

/* A file that has not left waits for the next sweep when this one has read enough, and for its
 * leave when it is large. */
static bool may_read_written(struct agent_scan *scan, struct scan_list_file *file, uint64_t size)
{
	file->is_known = false;
	if (size > WRITTEN_MAX_BYTES)
		return false;
	if (size > WRITTEN_MAX_BYTES - scan->written_bytes) {
		file->is_dirty = true;
		scan->n_written = WRITTEN_PER_SWEEP;
		return false;
	}
	scan->written_bytes += size;
	return true;
}

/* Opens a file, and has it read when it is not known as it is. */
static void look_at(struct agent *agent, struct scan_list_file *file)
{
	struct agent_scan *scan = agent->scan;
	struct scan_version version = {};
	int fd;

	update_path(agent, file);
	fd = scan_open(file, &version);
	scan_list_end_look(file);
	if (fd < 0 || version.size == 0) {
		if (fd >= 0)
			close(fd);
		/* Read before, and written by nobody since: what left is known. */
		if (file->had_left && (!file->is_known || file->was_dirty))
			agent_scan_tell_failure(agent, file, SCAN_GONE);
		else if (file->had_left)
			agent_scan_tell_kept(agent, file);
		file->is_known &= !file->was_dirty;
		return;
	}
	if (is_known_as(file, &version)) {
		close(fd);
		if (file->had_left)
			agent_scan_tell_kept(agent, file);
		return;
	}
	if (!file->had_left && !may_read_written(scan, file, version.size)) {
		close(fd);
		return;
	}
	scan->asked++;
	scan->job = (struct agent_scan_job){
		.file = *file, .path = strdup(file->path), .version = version, .fd = fd};
	if (!scan->job.path || send_job(agent) < 0)
		lose_process(agent, SCAN_STOPPED);
}

/* One file is read at a time. */
static void look_on(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;

	while (scan->job.fd < 0) {
		uint64_t now_ns = agent->is_stopping ? UINT64_MAX : clock_boottime_ns();
		uint64_t quiet_ns = scan->n_written < WRITTEN_PER_SWEEP ? now_ns - QUIET_NS : 0;
		struct scan_list_file *file = scan_list_next(scan->list, now_ns, quiet_ns);

		if (!file)
			return;
		scan->n_written += !file->had_left;
		look_at(agent, file);
	}
}

void agent_scan_sweep(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;

	if (!scan)
		return;
	scan_list_leave_all(scan->list);
	if (scan->origins_met)
		scan_list_meet(scan->list, scan->origins_met);
	scan->origins_met = 0;
	/* At the end there is time for what has left only. */
	scan->n_written = agent->is_stopping ? WRITTEN_PER_SWEEP : 0;
	scan->written_bytes = 0;
	if (!agent->is_stopping && scan->process && scan->job.fd < 0 &&
	    clock_boottime_ns() - scan->last_answer_ns > IDLE_NS)
		end_process(scan);
	look_on(agent);
}

void agent_scan_finish(struct agent *agent)
{
	struct agent_scan *scan = agent->scan;
	uint64_t end_ns = clock_boottime_ns() + FINISH_NS;
	struct scan_list_file *file;

	if (!scan)
		return;
	while (scan->job.fd >= 0 && clock_boottime_ns() < end_ns) {
		struct pollfd waiting = {.fd = scan_process_fd(scan->process), .events = POLLIN};

		if (poll(&waiting, 1, 100) > 0 && take_answer(agent))
			look_on(agent);
	}
	if (scan->job.fd >= 0)
		fail_job(agent, SCAN_UNREAD);
	while ((file = scan_list_next(scan->list, UINT64_MAX, 0)))
		agent_scan_tell_failure(agent, file, SCAN_UNREAD);
}

void agent_scan_count(const struct agent *agent, struct agent_scan_counts *ret_counts)
{
	const struct agent_scan *scan = agent->scan;
	struct scan_list_forgotten forgotten;

	*ret_counts = (struct agent_scan_counts){};
	if (!scan)
		return;
	forgotten = scan_list_forgotten(scan->list);
	*ret_counts = (struct agent_scan_counts){.asked = scan->asked,
						 .answered = scan->answered,
						 .failed = scan->failed,
						 .waiting = scan->job.fd >= 0,
						 .files_forgotten = forgotten.files,
						 .readers_forgotten = forgotten.readers,
						 .senders_forgotten = forgotten.senders};
}
