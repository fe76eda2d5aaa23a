/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/greeted.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/address.h"

struct known {
	struct greeted_connection connection; /* first: the tree compares these */
	struct greeted_name name;
	bool is_asked; /* since it was said */
	TAILQ_ENTRY(known) age;
	char host[];
};

struct greeted {
	void *tree;
	TAILQ_HEAD(, known) ages; /* the next to go comes first */
	size_t n_known, max_known;
	uint64_t forgotten;
};

static_assert(sizeof(struct greeted_connection) == 20, "compared as bytes: no padding");

int greeted_new(size_t max_connections, struct greeted **ret_greeted)
{
	struct greeted *greeted = calloc(1, sizeof(*greeted));

	if (!greeted)
		return -ENOMEM;
	greeted->max_known = max_connections;
	TAILQ_INIT(&greeted->ages);
	*ret_greeted = greeted;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct greeted_connection));
}

static void drop(struct greeted *greeted, struct known *known)
{
	tdelete(known, &greeted->tree, compare);
	TAILQ_REMOVE(&greeted->ages, known, age);
	greeted->n_known--;
	free(known);
}

void greeted_free(struct greeted *greeted)
{
	struct known *known;

	if (!greeted)
		return;
	while ((known = TAILQ_FIRST(&greeted->ages)))
		drop(greeted, known);
	free(greeted);
}

static struct known *find(const struct greeted *greeted,
			  const struct greeted_connection *connection)
{
	struct known **slot = tfind(connection, &greeted->tree, compare);

	return slot ? *slot : NULL;
}

static int add(struct greeted *greeted, const struct greeted_connection *connection,
	       const struct greeted_name *name)
{
	size_t size = strlen(name->host) + 1;
	struct known *known = malloc(sizeof(*known) + size);

	if (!known)
		return -ENOMEM;
	memcpy(known->host, name->host, size);
	known->connection = *connection;
	known->is_asked = false;
	known->name = (struct greeted_name){name->source, known->host};
	if (!tsearch(known, &greeted->tree, compare)) {
		free(known);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&greeted->ages, known, age);
	if (++greeted->n_known > greeted->max_known) {
		greeted->forgotten++;
		drop(greeted, TAILQ_FIRST(&greeted->ages));
	}
	return 0;
}

static bool is_address(const char *host)
{
	struct in6_addr address;

	return *host == '[' || address_parse(host, &address) == 0;
}

bool greeted_goes_before(const struct greeted_name *name, const struct greeted_name *known)
{
	switch (known->source) {
	case EVENT_HOST_TLS:
		return name->source == EVENT_HOST_TLS_FRONT && strcmp(name->host, known->host) == 0;
	case EVENT_HOST_CONNECT:
		return name->source == EVENT_HOST_TLS && is_address(known->host);
	case EVENT_HOST_HTTP:
		return name->source == EVENT_HOST_TLS;
	default:
		return known->source == EVENT_HOST_NONE;
	}
}

/* Each request says anew whom it is for. */
static bool is_another_request(const struct greeted_name *name, const struct known *known)
{
	return !known->is_asked && name->source == EVENT_HOST_HTTP &&
	       known->name.source == EVENT_HOST_HTTP;
}

int greeted_name(struct greeted *greeted, const struct greeted_connection *connection,
		 const struct greeted_name *name)
{
	struct known *known = find(greeted, connection);

	if (known && !greeted_goes_before(name, &known->name) && !is_another_request(name, known))
		return 0;
	if (known)
		drop(greeted, known);
	return add(greeted, connection, name);
}

void greeted_forget(struct greeted *greeted, const struct greeted_connection *connection)
{
	struct known *known = find(greeted, connection);

	if (known)
		drop(greeted, known);
}

const struct greeted_name *greeted_find(struct greeted *greeted,
					const struct greeted_connection *connection)
{
	struct known *known = find(greeted, connection);

	if (!known)
		return NULL;
	TAILQ_REMOVE(&greeted->ages, known, age);
	TAILQ_INSERT_TAIL(&greeted->ages, known, age);
	known->is_asked = true;
	return &known->name;
}

void greeted_count(const struct greeted *greeted, struct greeted_counts *ret_counts)
{
	*ret_counts =
		(struct greeted_counts){.known = greeted->n_known, .forgotten = greeted->forgotten};
}
