/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/quic_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct connection {
	struct quic_peer peer;
	struct quic_hello *hello; /* NULL once it is whole */
	struct quic_hello_name name;
	struct quic_keys keys; /* as soon as one of its packets was opened */
	bool is_used;
};

struct quic_names {
	struct connection *connections; /* a ring: the next one that is made is the oldest */
	size_t n_connections, next;
};

int quic_names_new(size_t max_connections, struct quic_names **ret_names)
{
	struct quic_names *names = calloc(1, sizeof(*names));

	if (names)
		names->connections = calloc(max_connections, sizeof(*names->connections));
	if (!names || !names->connections) {
		free(names);
		return -ENOMEM;
	}
	names->n_connections = max_connections;
	*ret_names = names;
	return 0;
}

void quic_names_free(struct quic_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->n_connections; i++)
		quic_hello_free(names->connections[i].hello);
	free(names->connections);
	free(names);
}

static bool is_same_peer(const struct quic_peer *a, const struct quic_peer *b)
{
	return a->app_id == b->app_id && a->port == b->port && a->local_port == b->local_port &&
	       memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static struct connection *find(const struct quic_names *names, const struct quic_peer *peer)
{
	for (size_t i = 0; i < names->n_connections; i++) {
		struct connection *connection = &names->connections[i];

		if (connection->is_used && is_same_peer(&connection->peer, peer))
			return connection;
	}
	return NULL;
}

static struct connection *make(struct quic_names *names, const struct quic_peer *peer)
{
	struct connection *connection = &names->connections[names->next];
	struct quic_hello *hello = quic_hello_new();

	if (!hello)
		return NULL;
	names->next = (names->next + 1) % names->n_connections;
	quic_hello_free(connection->hello);
	*connection = (struct connection){.peer = *peer, .hello = hello, .is_used = true};
	return connection;
}

/* A port serves for one connection after another, RFC 9000 5.2. */
static int begin_anew(struct connection *connection)
{
	struct quic_hello *hello = quic_hello_new();

	if (!hello)
		return -ENOMEM;
	quic_hello_free(connection->hello);
	*connection =
		(struct connection){.peer = connection->peer, .hello = hello, .is_used = true};
	return 0;
}

int quic_names_take(struct quic_names *names, const struct quic_peer *peer, const uint8_t *datagram,
		    size_t bytes)
{
	struct connection *connection = find(names, peer);
	int r = 0;

	if (!connection)
		connection = make(names, peer);
	else if (quic_packet_is_another(&connection->keys, datagram, bytes))
		r = begin_anew(connection);
	if (!connection)
		return -ENOMEM;
	if (r < 0 || !connection->hello)
		return r;
	r = quic_hello_add(connection->hello, datagram, bytes, &connection->name);
	connection->keys = *quic_hello_keys(connection->hello);
	if (r < 0 || r == QUIC_HELLO_PART)
		return r;
	quic_hello_free(connection->hello);
	connection->hello = NULL;
	return 0;
}

const struct quic_hello_name *quic_names_find(const struct quic_names *names,
					      const struct quic_peer *peer)
{
	const struct connection *connection = find(names, peer);

	return connection && connection->name.host[0] ? &connection->name : NULL;
}
