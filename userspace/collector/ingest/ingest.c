/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/ingest/ingest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/ingest/connection.h"
#include "wire/tls.h"

#define LISTEN_ADDRESS "127.0.0.1"
#define LISTEN_BACKLOG 128
#define LISTEN_AGAIN_US (1000 * 1000ULL)
#define CONNECTIONS_MAX 1024
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 15000
#define HELLO_TIMEOUT_MS 10000
#define NOTES_PER_SECOND 10
#define NOTE_MAX_BYTES 512

void ingest_note(struct ingest *ingest, const char *who, const char *format, ...)
{
	uint64_t second = clock_boottime_ns() / CLOCK_NS_PER_SECOND;
	char text[NOTE_MAX_BYTES];
	va_list arguments;

	if (!ingest->config.on_note)
		return;
	if (ingest->note_second != second) {
		ingest->note_second = second;
		ingest->notes_in_second = 0;
	}
	if (ingest->notes_in_second++ >= NOTES_PER_SECOND) {
		ingest->counts.notes_suppressed++;
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ingest->config.on_note(ingest->userdata, who, text);
}

static void address_format(const struct sockaddr_storage *peer, socklen_t size,
			   char ret_text[CONNECTION_ADDRESS_MAX_BYTES])
{
	char host[INET6_ADDRSTRLEN + 1], port[8];

	if (getnameinfo((const struct sockaddr *)peer, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(ret_text, CONNECTION_ADDRESS_MAX_BYTES, "unknown address");
	else
		snprintf(ret_text, CONNECTION_ADDRESS_MAX_BYTES, "%s port %s", host, port);
}

/* At the limit the oldest that has not said who it is makes way. Returns whether there is room. */
static bool ingest_make_room(struct ingest *ingest)
{
	struct connection *connection, *oldest = NULL;

	if (ingest->counts.connections < ingest->config.max_connections)
		return true;
	LIST_FOREACH(connection, &ingest->connections, link)
	if (!connection->agent[0])
		oldest = connection;
	ingest->counts.refused++;
	if (!oldest)
		return false;
	ingest_note(ingest, oldest->address, "too many connections: the oldest stranger makes way");
	connection_free(oldest);
	return true;
}

static void ingest_accept(struct ingest *ingest, int fd, const struct sockaddr_storage *peer,
			  socklen_t peer_size)
{
	char address[CONNECTION_ADDRESS_MAX_BYTES];
	_cleanup_close_ int connected = fd;
	int r;

	address_format(peer, peer_size, address);
	ingest->counts.accepted++;
	if (!ingest_make_room(ingest)) {
		ingest_note(ingest, address, "too many connections: refused");
		return;
	}
	r = connection_new(ingest, connected, address);
	if (r < 0)
		ingest_note(ingest, address, "cannot serve: %s", strerror(-r));
	else
		(void)TAKE_FD(connected);
}

static int ingest_on_listen_again(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct ingest *ingest = userdata;

	(void)source;
	(void)now_us;
	return sd_event_source_set_enabled(ingest->listener, SD_EVENT_ON);
}

static int ingest_on_connection(sd_event_source *source, int listen_fd, uint32_t revents,
				void *userdata)
{
	struct ingest *ingest = userdata;
	struct sockaddr_storage peer;
	socklen_t peer_size = sizeof(peer);
	int fd;

	(void)revents;
	fd = accept4(listen_fd, (struct sockaddr *)&peer, &peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		ingest_accept(ingest, fd, &peer, peer_size);
		return 0;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return 0;
	/* The connection stays in the backlog; asking at once again would spin. */
	ingest_note(ingest, "listener", "cannot accept a connection: %s", strerror(errno));
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	sd_event_source_set_time_relative(ingest->listen_again, LISTEN_AGAIN_US);
	sd_event_source_set_enabled(ingest->listen_again, SD_EVENT_ONESHOT);
	return 0;
}

static int listen_bind(const struct addrinfo *address, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	const int on = 1;

	fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int listen_port(int fd, uint16_t *ret_port)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	*ret_port = ntohs(address.ss_family == AF_INET6
				  ? ((const struct sockaddr_in6 *)&address)->sin6_port
				  : ((const struct sockaddr_in *)&address)->sin_port);
	return 0;
}

static int ingest_listen(struct ingest *ingest, const char *host, uint16_t port, char **ret_reason)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *address;
	char service[8];
	int r = -EINVAL;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &address) == 0) {
		r = listen_bind(address, &ingest->listen_fd);
		freeaddrinfo(address);
		if (r == 0)
			r = listen_port(ingest->listen_fd, &ingest->port);
	}
	if (r < 0 && ret_reason &&
	    asprintf(ret_reason, "cannot listen on %s port %u: %s", host, port,
		     r == -EINVAL ? "not an IPv4 or IPv6 address" : strerror(-r)) < 0)
		*ret_reason = NULL;
	return r;
}

static int ingest_add_sources(struct ingest *ingest)
{
	int r;

	r = sd_event_add_io(ingest->event, &ingest->listener, ingest->listen_fd, EPOLLIN,
			    ingest_on_connection, ingest);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(ingest->event, &ingest->listen_again, CLOCK_MONOTONIC, 0, 0,
				       ingest_on_listen_again, ingest);
	return r < 0 ? r : sd_event_source_set_enabled(ingest->listen_again, SD_EVENT_OFF);
}

static void config_set_defaults(struct ingest_config *config)
{
	if (!config->max_connections)
		config->max_connections = CONNECTIONS_MAX;
	if (!config->retry_first_ms)
		config->retry_first_ms = RETRY_FIRST_MS;
	if (!config->retry_max_ms)
		config->retry_max_ms = RETRY_MAX_MS;
	if (!config->hello_timeout_ms)
		config->hello_timeout_ms = HELLO_TIMEOUT_MS;
}

static int ingest_set_up(struct ingest *ingest, char **ret_reason)
{
	const char *host = ingest->config.listen_address;
	int r;

	r = tls_context_new_server(&ingest->config.identity, &ingest->tls, ret_reason);
	if (r < 0)
		return r;
	r = ingest_listen(ingest, host ? host : LISTEN_ADDRESS, ingest->config.port, ret_reason);
	return r < 0 ? r : ingest_add_sources(ingest);
}

int ingest_new(sd_event *event, const struct ingest_config *config, ingest_batch_fn on_batch,
	       void *userdata, struct ingest **ret_ingest, char **ret_reason)
{
	struct ingest *ingest;
	int r;

	ingest = calloc(1, sizeof(*ingest));
	if (!ingest)
		return -ENOMEM;
	ingest->event = sd_event_ref(event);
	ingest->listen_fd = -1;
	ingest->config = *config;
	config_set_defaults(&ingest->config);
	ingest->on_batch = on_batch;
	ingest->userdata = userdata;
	LIST_INIT(&ingest->connections);
	r = ingest_set_up(ingest, ret_reason);
	/* Borrowed for the set-up only. */
	ingest->config.listen_address = NULL;
	ingest->config.identity = (struct identity_files){};
	if (r < 0) {
		ingest_free(ingest);
		return r;
	}
	*ret_ingest = ingest;
	return 0;
}

void ingest_free(struct ingest *ingest)
{
	if (!ingest)
		return;
	while (!LIST_EMPTY(&ingest->connections))
		connection_free(LIST_FIRST(&ingest->connections));
	sd_event_source_disable_unref(ingest->listener);
	sd_event_source_disable_unref(ingest->listen_again);
	if (ingest->listen_fd >= 0)
		close(ingest->listen_fd);
	tls_context_free(ingest->tls);
	sd_event_unref(ingest->event);
	free(ingest);
}

uint16_t ingest_port(const struct ingest *ingest)
{
	return ingest->port;
}

void ingest_count(const struct ingest *ingest, struct ingest_counts *ret_counts)
{
	const struct connection *connection;

	*ret_counts = ingest->counts;
	LIST_FOREACH(connection, &ingest->connections, link)
	ret_counts->events_waiting += connection->held.n_events;
}
