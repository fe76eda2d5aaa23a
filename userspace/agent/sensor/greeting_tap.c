/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/sensor/greeting_tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "abi_edge.h"
#include "agent/sensor/sensor_private.h"
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "bpf/greeting.skel.h"

#define HEADER_BYTES offsetof(struct weir_greeting, data)

struct greeting_tap {
	struct greeting_bpf *skeleton;
	struct bpf_link *link;
	struct ring_buffer *ring;
	sd_event_source *source;
	void (*visit)(void *userdata, const struct greeting_part *part);
	void *userdata;
	uint64_t read, damaged;
};

static int on_part(void *userdata, void *data, size_t size)
{
	const struct weir_greeting *greeting = data;
	struct greeting_tap *tap = userdata;
	struct greeting_part part = {};

	tap->read++;
	if (size < HEADER_BYTES || greeting->bytes > size - HEADER_BYTES) {
		tap->damaged++;
		return 0;
	}
	memcpy(&part.peer, greeting->peer.ip, sizeof(part.peer));
	part.port = greeting->peer.port;
	part.local_port = greeting->peer.local_port;
	part.protocol = greeting->peer.protocol;
	part.offset = greeting->offset;
	part.data = greeting->data;
	part.bytes = greeting->bytes;
	tap->visit(tap->userdata, &part);
	return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	greeting_tap_drain(userdata);
	return 0;
}

/* A link, not an attachment: it goes with the agent, however that ends. */
static int attach(struct greeting_tap *tap, const char *mounts_path)
{
	_cleanup_close_ int root = cgroup_open_root(mounts_path);

	if (root < 0)
		return root;
	tap->link = bpf_program__attach_cgroup(tap->skeleton->progs.greeting_hear, root);
	return tap->link ? 0 : -errno;
}

static int start(struct greeting_tap *tap, sd_event *event, const char *mounts_path)
{
	int r;

	tap->skeleton = greeting_bpf__open_and_load();
	if (!tap->skeleton)
		return -errno;
	tap->ring =
		ring_buffer__new(bpf_map__fd(tap->skeleton->maps.greetings), on_part, tap, NULL);
	if (!tap->ring)
		return -errno;
	r = sd_event_add_io(event, &tap->source, ring_buffer__epoll_fd(tap->ring), EPOLLIN,
			    on_readable, tap);
	return r < 0 ? r : attach(tap, mounts_path);
}

int greeting_tap_new(sd_event *event, const char *mounts_path,
		     void (*visit)(void *userdata, const struct greeting_part *part),
		     void *userdata, struct greeting_tap **ret_tap)
{
	struct greeting_tap *tap = calloc(1, sizeof(*tap));
	int r;

	if (!tap)
		return -ENOMEM;
	tap->visit = visit;
	tap->userdata = userdata;
	r = start(tap, event, mounts_path);
	if (r < 0) {
		greeting_tap_free(tap);
		return r;
	}
	*ret_tap = tap;
	return 0;
}

void greeting_tap_free(struct greeting_tap *tap)
{
	if (!tap)
		return;
	bpf_link__destroy(tap->link);
	sd_event_source_disable_unref(tap->source);
	ring_buffer__free(tap->ring);
	greeting_bpf__destroy(tap->skeleton);
	free(tap);
}

void greeting_tap_drain(struct greeting_tap *tap)
{
	(void)ring_buffer__consume(tap->ring);
}

/* What comes or goes while it is counted is put right when it is counted again. */
uint64_t greeting_tap_count_evicted(const struct greeting_tap *tap)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = {};
	uint64_t given = __atomic_load_n(&tap->skeleton->bss->unfinished_given, __ATOMIC_RELAXED);
	uint64_t entries = 0;

	if (given == 0)
		return 0;
	shield = sensor_shield_raise_for_any();
	if (sensor_count_entries(tap->skeleton->maps.unfinished, &entries) < 0)
		return 0;
	return given > entries ? given - entries : 0;
}

void greeting_tap_count(const struct greeting_tap *tap, struct greeting_tap_counts *ret_counts)
{
	uint64_t dropped = __atomic_load_n(&tap->skeleton->bss->parts_dropped, __ATOMIC_RELAXED);

	*ret_counts = (struct greeting_tap_counts){
		.heard = tap->read + dropped, .dropped = dropped, .damaged = tap->damaged};
}
