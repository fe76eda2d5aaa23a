/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What the kernel side found in what apps wrote to pipes and sockets. Its tables are the truth:
 * what is told is told again after a restart, which changes nothing, as a fingerprint counts once.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "policy/policy_automaton.h"
#include "bpf/weir.skel.h"

#define QUIET_NS 700000000ull   /* without a write: what was written last is all, for now */
#define IDLE_NS 600000000000ull /* then a stream is forgotten, which frees its place */
#define CLEAN_NS 60000000000ull

static struct sensor_told *find_told(struct sensor *sensor, uint64_t stream)
{
	struct sensor_told *grown;

	for (size_t i = 0; i < sensor->n_told; i++)
		if (sensor->told[i].stream == stream)
			return &sensor->told[i];
	grown = reallocarray(sensor->told, sensor->n_told + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	sensor->told = grown;
	grown[sensor->n_told] = (struct sensor_told){.stream = stream};
	return &grown[sensor->n_told++];
}

/* Whether all that the connection had was read before it was encrypted. What was sent before its
 * library was watched, by this agent, may be short enough to be taken for what TLS adds. */
static bool is_plain_whole(const struct sensor *sensor, const struct weir_record_stream *stream,
			   const struct weir_flow *flow)
{
	uint64_t most = stream->extra_bytes ?: WEIR_TLS_HANDSHAKE_BYTES;
	bool was_left =
		flow->last_ns <= stream->last_ns && stream->last_ns < sensor->tls.attached_ns;

	if (flow->first_ns < sensor->tls.attached_ns && !was_left)
		return false;
	return flow->bytes >= stream->bytes &&
	       flow->bytes - stream->bytes <= most + WEIR_TLS_EXTRA_BYTES;
}

static bool is_whole(const struct sensor *sensor, const struct weir_record_stream *stream,
		     const struct weir_flow *flow)
{
	if (stream->missed_bytes || stream->is_cut || stream->is_framed ||
	    stream->n_maybes > WEIR_RECORD_MAYBES)
		return false;
	return stream->is_plain ? is_plain_whole(sensor, stream, flow)
				: stream->bytes == flow->bytes;
}

static bool is_over(struct sensor *sensor, uint64_t app_id)
{
	struct weir_app app;

	return bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.apps), &app_id, &app) < 0 ||
	       app.ended_ns != 0;
}

static void report(struct sensor *sensor, const struct weir_record_stream *stream,
		   const struct weir_flow *flow, const struct sensor_records *records)
{
	char path[WEIR_NAME_BYTES + 1], exe[WEIR_NAME_BYTES + 1];
	struct sensor_app described;
	struct sensor_flow report;
	struct weir_app app;
	bool has_app = sensor_read_app(sensor, stream->flow.app_id, &app, exe) == 0;

	sensor_describe_flow(sensor, &stream->flow, flow, path, &report);
	if (has_app) {
		app.comm[sizeof(app.comm) - 1] = '\0';
		sensor_describe_app(sensor, &app, exe, &described);
	}
	sensor->handler.records(sensor->handler.userdata, &report, has_app ? &described : NULL,
				records);
}

/* Those that were not told, and when nothing more comes for now, those that may be some. */
static size_t collect(const struct sensor_found_list *list, const struct weir_record_stream *stream,
		      uint64_t told, uint64_t listed, bool is_settled, struct sensor_record *ret)
{
	size_t n = 0, first = sensor_found_first(list, stream->id);

	for (size_t i = first + told; i < first + listed; i++)
		ret[n++] = (struct sensor_record){list->items[i].value.rule,
						  list->items[i].key.fingerprint};
	for (uint32_t i = 0; is_settled && i < stream->n_maybes && i < WEIR_RECORD_MAYBES; i++)
		ret[n++] = (struct sensor_record){stream->maybes[i].rule,
						  stream->maybes[i].fingerprint};
	return n;
}

/* Whether all that there is can be told: nobody writes, or ever will. The list is older than the
 * stream: of what was found meanwhile, the next sweep tells. */
static bool is_settled(struct sensor *sensor, const struct weir_record_stream *stream,
		       uint64_t listed)
{
	bool is_quiet =
		stream->begun == stream->ended && clock_boottime_ns() - stream->last_ns > QUIET_NS;

	return listed >= stream->found && (is_quiet || is_over(sensor, stream->flow.app_id));
}

static bool is_maybe(const struct weir_record_stream *stream, const struct weir_record_maybe *maybe)
{
	for (uint32_t i = 0; i < stream->n_maybes && i < WEIR_RECORD_MAYBES; i++)
		if (stream->maybes[i].fingerprint == maybe->fingerprint &&
		    stream->maybes[i].rule == maybe->rule)
			return true;
	return false;
}

/* Whether one that was told in a pause went on behind it, and so is none. */
static bool has_false(const struct sensor_told *told, const struct sensor_found_list *list,
		      const struct weir_record_stream *stream)
{
	for (uint32_t i = 0; i < told->n_maybes; i++)
		if (!is_maybe(stream, &told->maybes[i]) &&
		    !sensor_found_has(list, stream->id, &told->maybes[i]))
			return true;
	return false;
}

static void note_told(struct sensor_told *told, const struct weir_record_stream *stream,
		      uint64_t listed, bool is_settled, bool is_whole)
{
	told->found = listed;
	told->bytes = stream->bytes;
	told->is_settled = is_settled;
	told->is_whole = is_whole;
	if (!is_settled)
		return;
	told->n_maybes =
		stream->n_maybes < WEIR_RECORD_MAYBES ? stream->n_maybes : WEIR_RECORD_MAYBES;
	memcpy(told->maybes, stream->maybes, sizeof(told->maybes));
}

/* Returns whether there is nothing more to tell of the stream as it is. */
static bool tell_stream(struct sensor *sensor, const struct weir_record_stream *stream,
			const struct sensor_found_list *list, struct sensor_record *room)
{
	struct sensor_told *told = find_told(sensor, stream->id);
	uint64_t listed = sensor_found_count(list, stream->id);
	bool is_all = is_settled(sensor, stream, listed);
	struct sensor_records records = {.found = room, .is_plain = stream->is_plain};
	struct weir_flow flow;

	if (!told || stream->is_binary || stream->found + stream->n_maybes + told->n_maybes == 0 ||
	    bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.flows), &stream->flow, &flow) <
		    0)
		return true;
	told->has_false |= is_all && has_false(told, list, stream);
	records.is_whole = is_all && !told->has_false && is_whole(sensor, stream, &flow);
	if (listed == told->found &&
	    (!is_all || (told->is_settled && told->bytes == stream->bytes &&
			 told->is_whole == records.is_whole)))
		return is_all;
	records.n_found = collect(list, stream, told->found, listed, is_all, room);
	report(sensor, stream, &flow, &records);
	note_told(told, stream, listed, is_all, records.is_whole);
	return is_all;
}

void sensor_tell_records_again(struct sensor *sensor)
{
	for (size_t i = 0; i < sensor->n_told; i++) {
		sensor->told[i].found = 0;
		sensor->told[i].is_settled = false;
	}
	sensor->records_seen = UINT64_MAX;
}

static uint64_t read_changes(const struct sensor *sensor, struct weir_record_counts *ret_counts)
{
	uint32_t zero = 0;

	*ret_counts = (struct weir_record_counts){};
	(void)bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.record_counts), &zero,
				  ret_counts);
	return ret_counts->changes;
}

uint64_t sensor_count_records_read(const struct sensor *sensor)
{
	struct weir_record_counts counts;

	return read_changes(sensor, &counts);
}

uint64_t sensor_count_records_full(const struct sensor *sensor)
{
	struct weir_record_counts counts;

	read_changes(sensor, &counts);
	return counts.streams_full + counts.found_full;
}

/* In the order of the table: what is told is put in order of time by whoever takes it. */
void sensor_sweep_records(struct sensor *sensor)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.record_streams);
	struct weir_record_counts counts;
	uint64_t changes = read_changes(sensor, &counts), key, next;
	struct sensor_found_list list = {};
	struct sensor_record *room = NULL;
	struct weir_record_stream stream;
	bool is_done = true, has_next;

	if (!sensor->handler.records || changes == sensor->records_seen)
		return;
	if (sensor_found_read(sensor, &list) == 0)
		room = reallocarray(NULL, list.n_items + WEIR_RECORD_MAYBES, sizeof(*room));
	has_next = room && bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (has_next) {
		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &stream) == 0)
			is_done &= tell_stream(sensor, &stream, &list, room);
	}
	explicit_bzero(&stream, sizeof(stream));
	if (room && is_done)
		sensor->records_seen = changes;
	free(room);
	free(list.items);
}

static void forget_told(struct sensor *sensor, uint64_t stream)
{
	for (size_t i = 0; i < sensor->n_told; i++)
		if (sensor->told[i].stream == stream)
			sensor->told[i--] = sensor->told[--sensor->n_told];
}

/* A call may end after the time was read, and the first one has not ended yet. */
static bool is_idle(const struct weir_record_stream *stream, uint64_t now_ns)
{
	return stream->begun == stream->ended && stream->last_ns && stream->last_ns < now_ns &&
	       now_ns - stream->last_ns > IDLE_NS;
}

void sensor_forget_records(struct sensor *sensor)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.record_streams);
	uint64_t now_ns = clock_boottime_ns(), key, next;
	bool has_next, has_dropped = false;

	if (sensor->n_ended == 0 && now_ns - sensor->records_cleaned_ns < CLEAN_NS)
		return;
	sensor->records_cleaned_ns = now_ns;
	has_next = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (has_next) {
		struct weir_record_stream stream;

		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &stream) < 0)
			continue;
		if (sensor_is_ended(sensor, stream.flow.app_id) || is_idle(&stream, now_ns)) {
			(void)bpf_map_delete_elem(fd, &key);
			forget_told(sensor, key);
			has_dropped |= stream.found > 0;
		}
		explicit_bzero(&stream, sizeof(stream));
	}
	if (has_dropped)
		sensor_found_drop(sensor);
}

static void clear(int fd, void *key)
{
	while (bpf_map_get_next_key(fd, NULL, key) == 0)
		if (bpf_map_delete_elem(fd, key) < 0)
			return;
}

/* What an earlier agent looked for may have other numbers, or another key. */
static void forget_others(struct sensor *sensor, const struct weir_record_table *table,
			  const struct weir_record_table *old)
{
	struct weir_record_key key;
	uint64_t stream;

	if (old->n_rules == table->n_rules && memcmp(old->key, table->key, sizeof(old->key)) == 0 &&
	    memcmp(old->rules, table->rules, sizeof(old->rules)) == 0)
		return;
	clear(bpf_map__fd(sensor->skeleton->maps.record_streams), &stream);
	clear(bpf_map__fd(sensor->skeleton->maps.records_found), &key);
}

int sensor_set_records(struct sensor *sensor, const struct policy *policy,
		       const uint8_t key[SIPHASH_KEY_BYTES], size_t *ret_n)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	_cleanup_free_ struct weir_record_table *table = calloc(1, sizeof(*table));
	_cleanup_free_ struct weir_record_table *old = calloc(1, sizeof(*old));
	int fd = bpf_map__fd(sensor->skeleton->maps.record_table), r;
	const struct policy_record *records;
	size_t n_records = policy_records(policy, &records);
	uint32_t zero = 0;

	if (!table || !old)
		return -ENOMEM;
	r = policy_automaton_fill(records, n_records, key, table, ret_n);
	if (r == 0 && bpf_map_lookup_elem(fd, &zero, old) < 0)
		r = -errno;
	if (r == 0 && bpf_map_update_elem(fd, &zero, table, BPF_ANY) < 0)
		r = -errno;
	if (r == 0)
		forget_others(sensor, table, old);
	explicit_bzero(table, sizeof(*table));
	explicit_bzero(old, sizeof(*old));
	return r;
}
