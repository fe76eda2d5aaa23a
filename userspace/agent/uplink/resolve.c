/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/uplink/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the thread works on. Both sides hold it; the last one to let go frees it. */
struct lookup {
	atomic_int holders;
	int event_fd;
	char *host;
	char service[8];
	int error;
	struct addrinfo *list;
};

struct resolve {
	sd_event_source *source;
	struct lookup *lookup;
	resolve_fn done;
	void *userdata;
};

static void lookup_release(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->holders, 1) > 1)
		return;
	if (lookup->list)
		freeaddrinfo(lookup->list);
	if (lookup->event_fd >= 0)
		close(lookup->event_fd);
	free(lookup->host);
	free(lookup);
}

static void *lookup_run(void *userdata)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct lookup *lookup = userdata;

	lookup->error = getaddrinfo(lookup->host, lookup->service, &hints, &lookup->list);
	(void)eventfd_write(lookup->event_fd, 1);
	lookup_release(lookup);
	return NULL;
}

/* Signals are the loop's business: the thread starts with all of them blocked. */
static int lookup_start(struct lookup *lookup)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r;

	r = pthread_attr_init(&attributes);
	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&lookup->holders, 1);
	r = pthread_create(&thread, &attributes, lookup_run, lookup);
	if (r != 0)
		atomic_fetch_sub(&lookup->holders, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

static int resolve_on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct resolve *resolve = userdata;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	resolve->done(resolve->userdata, resolve->lookup->error, resolve->lookup->list);
	return 0;
}

static struct lookup *lookup_new(const char *host, uint16_t port)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	atomic_init(&lookup->holders, 1);
	snprintf(lookup->service, sizeof(lookup->service), "%u", port);
	lookup->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lookup->host = strdup(host);
	if (lookup->event_fd >= 0 && lookup->host)
		return lookup;
	lookup_release(lookup);
	return NULL;
}

int resolve_new(sd_event *event, const char *host, uint16_t port, resolve_fn done, void *userdata,
		struct resolve **ret_resolve)
{
	struct resolve *resolve;
	int r;

	resolve = calloc(1, sizeof(*resolve));
	if (!resolve)
		return -ENOMEM;
	resolve->done = done;
	resolve->userdata = userdata;
	resolve->lookup = lookup_new(host, port);
	if (!resolve->lookup) {
		resolve_free(resolve);
		return -ENOMEM;
	}
	r = sd_event_add_io(event, &resolve->source, resolve->lookup->event_fd, EPOLLIN,
			    resolve_on_done, resolve);
	if (r >= 0)
		r = lookup_start(resolve->lookup);
	if (r < 0) {
		resolve_free(resolve);
		return r;
	}
	*ret_resolve = resolve;
	return 0;
}

void resolve_free(struct resolve *resolve)
{
	if (!resolve)
		return;
	sd_event_source_disable_unref(resolve->source);
	if (resolve->lookup)
		lookup_release(resolve->lookup);
	free(resolve);
}
