/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/resolved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/names/answer.h"
#include "agent/names/resolved_reply.h"
#include "base/cleanup.h"

/* An answer has 64 KiB at most, and is said twice: as JSON, and in base 64. */
#define REPLY_BYTES_MAX (256 * 1024)
#define LOOK_AGAIN_US (10 * 1000000ull)
#define SUBSCRIBE                                                                             \
	"{\"method\":\"io.systemd.Resolve.Monitor.SubscribeQueryResults\",\"parameters\":{}," \
	"\"more\":true}"

struct resolved {
	struct sockaddr_un address;
	int fd; /* -1: it is not there */
	sd_event *event;
	sd_event_source *replies, *again;
	void (*visit)(void *userdata, const struct answer *answer);
	void *userdata;
	struct resolved_counts counts;
	size_t size;
	char buffer[REPLY_BYTES_MAX]; /* of a reply that has not come whole yet */
};

static void hang_up(struct resolved *resolved)
{
	resolved->replies = sd_event_source_disable_unref(resolved->replies);
	if (resolved->fd >= 0)
		close(resolved->fd);
	resolved->fd = -1;
	resolved->size = 0;
}

static void take_reply(struct resolved *resolved, const char *reply, size_t size)
{
	struct answer answer;

	resolved->counts.replies++;
	if (resolved_reply_parse(reply, size, &answer) < 0) {
		resolved->counts.refused++;
		return;
	}
	resolved->counts.taken++;
	if (answer.n_addresses > 0)
		resolved->visit(resolved->userdata, &answer);
}

/* Replies end with a byte 0 each. */
static void take_replies(struct resolved *resolved)
{
	size_t begin = 0;

	for (;;) {
		const char *end = memchr(resolved->buffer + begin, 0, resolved->size - begin);

		if (!end)
			break;
		take_reply(resolved, resolved->buffer + begin,
			   (size_t)(end - resolved->buffer) - begin);
		begin = (size_t)(end - resolved->buffer) + 1;
	}
	resolved->size -= begin;
	memmove(resolved->buffer, resolved->buffer + begin, resolved->size);
}

static int on_replies(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct resolved *resolved = userdata;
	ssize_t n = recv(fd, resolved->buffer + resolved->size,
			 sizeof(resolved->buffer) - resolved->size, MSG_DONTWAIT);

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		resolved->size += (size_t)n;
		take_replies(resolved);
	}
	if (resolved->size == sizeof(resolved->buffer)) {
		resolved->counts.replies++;
		resolved->counts.refused++;
	}
	if (n <= 0 || resolved->size == sizeof(resolved->buffer))
		hang_up(resolved);
	return 0;
}

static void call(struct resolved *resolved)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	resolved->fd = fd;
	if (connect(fd, (const struct sockaddr *)&resolved->address, sizeof(resolved->address)) <
		    0 ||
	    send(fd, SUBSCRIBE, sizeof(SUBSCRIBE), MSG_NOSIGNAL) != sizeof(SUBSCRIBE) ||
	    sd_event_add_io(resolved->event, &resolved->replies, fd, EPOLLIN, on_replies,
			    resolved) < 0)
		hang_up(resolved);
}

static int on_again(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct resolved *resolved = userdata;

	if (resolved->fd < 0)
		call(resolved);
	sd_event_source_set_time(source, now_us + LOOK_AGAIN_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int resolved_new(sd_event *event, const char *path,
		 void (*visit)(void *userdata, const struct answer *answer), void *userdata,
		 struct resolved **ret_resolved)
{
	struct resolved *resolved = calloc(1, sizeof(*resolved));
	int r;

	if (!resolved)
		return -ENOMEM;
	resolved->address.sun_family = AF_UNIX;
	snprintf(resolved->address.sun_path, sizeof(resolved->address.sun_path), "%s", path);
	resolved->fd = -1;
	resolved->event = event;
	resolved->visit = visit;
	resolved->userdata = userdata;
	r = sd_event_add_time_relative(event, &resolved->again, CLOCK_MONOTONIC, LOOK_AGAIN_US, 0,
				       on_again, resolved);
	if (r < 0) {
		resolved_free(resolved);
		return r;
	}
	call(resolved);
	*ret_resolved = resolved;
	return 0;
}

void resolved_free(struct resolved *resolved)
{
	if (!resolved)
		return;
	hang_up(resolved);
	sd_event_source_disable_unref(resolved->again);
	free(resolved);
}

void resolved_count(const struct resolved *resolved, struct resolved_counts *ret_counts)
{
	*ret_counts = resolved->counts;
}
