/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/host_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/names/answer.h"
#include "agent/names/hosts_file.h"
#include "base/siphash.h"

#define BUCKETS 512
#define BUCKET_NAMES 8 /* of all addresses that hash alike */
/* A connection may live on after its name's time is over, and first carry labelled data then. */
#define GRACE_NS (24ull * 3600 * 1000000000)
/* A name is used as soon as its answer is read, which may be before it is read here. */
#define SLACK_NS 2000000000ull
#define NS_PER_S 1000000000ull

struct known_name {
	struct in6_addr address;
	char *name; /* NULL: free */
	uint64_t first_ns, seen_ns, until_ns;
};

struct host_names {
	uint8_t key[SIPHASH_KEY_BYTES];
	struct known_name buckets[BUCKETS][BUCKET_NAMES];
	struct hosts_file *file;
	uint64_t forgotten;
};

int host_names_new(const char *hosts_path, struct host_names **ret_names)
{
	struct host_names *names = calloc(1, sizeof(*names));
	int r;

	if (!names)
		return -ENOMEM;
	r = getrandom(names->key, sizeof(names->key), 0) == sizeof(names->key) ? 0 : -EIO;
	if (r == 0)
		r = hosts_file_new(hosts_path, &names->file);
	if (r < 0) {
		free(names);
		return r;
	}
	*ret_names = names;
	return 0;
}

void host_names_free(struct host_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (size_t j = 0; j < BUCKET_NAMES; j++)
			free(names->buckets[i][j].name);
	hosts_file_free(names->file);
	free(names);
}

static size_t find_bucket(const struct host_names *names, const struct in6_addr *address)
{
	return siphash(names->key, address, sizeof(*address)) % BUCKETS;
}

static bool is_better_victim(const struct known_name *a, const struct known_name *b)
{
	if (!a->name || !b->name)
		return !a->name && b->name;
	return a->seen_ns < b->seen_ns;
}

static void take_address(struct host_names *names, const char *name, const struct in6_addr *address,
			 uint32_t ttl_s, uint64_t now_ns)
{
	struct known_name *bucket = names->buckets[find_bucket(names, address)];
	struct known_name *victim = &bucket[0];
	char *copy;

	for (size_t i = 0; i < BUCKET_NAMES; i++) {
		struct known_name *known = &bucket[i];

		if (known->name && memcmp(&known->address, address, sizeof(*address)) == 0 &&
		    strcmp(known->name, name) == 0) {
			if (known->until_ns + GRACE_NS < now_ns)
				known->first_ns = now_ns;
			known->seen_ns = now_ns;
			known->until_ns = now_ns + ttl_s * NS_PER_S;
			return;
		}
		if (is_better_victim(known, victim))
			victim = known;
	}
	copy = strdup(name);
	if (!copy)
		return;
	names->forgotten += victim->name && victim->until_ns > now_ns;
	free(victim->name);
	*victim = (struct known_name){.address = *address,
				      .name = copy,
				      .first_ns = now_ns,
				      .seen_ns = now_ns,
				      .until_ns = now_ns + ttl_s * NS_PER_S};
}

void host_names_take(struct host_names *names, const struct answer *answer, uint64_t now_ns)
{
	for (size_t i = 0; i < answer->n_addresses; i++)
		take_address(names, answer->name, &answer->addresses[i].address,
			     answer->addresses[i].ttl_s, now_ns);
}

void host_names_reread(struct host_names *names)
{
	hosts_file_reread(names->file);
}

/* When it was answered last by then, as far as that is known; UINT64_MAX: only later. */
static uint64_t seen_by(const struct known_name *known, uint64_t at_ns)
{
	if (known->seen_ns <= at_ns + SLACK_NS)
		return known->seen_ns;
	return known->first_ns <= at_ns + SLACK_NS ? known->first_ns : UINT64_MAX;
}

static const struct known_name *find_answered(const struct host_names *names,
					      const struct in6_addr *address, uint64_t at_ns)
{
	const struct known_name *bucket = names->buckets[find_bucket(names, address)], *best = NULL;
	uint64_t best_ns = 0;

	for (size_t i = 0; i < BUCKET_NAMES; i++) {
		const struct known_name *known = &bucket[i];
		uint64_t seen_ns = seen_by(known, at_ns);

		if (!known->name || memcmp(&known->address, address, sizeof(*address)) != 0 ||
		    seen_ns == UINT64_MAX || known->until_ns + GRACE_NS < at_ns)
			continue;
		if (!best || seen_ns > best_ns) {
			best = known;
			best_ns = seen_ns;
		}
	}
	return best;
}

const char *host_names_find(const struct host_names *names, const struct in6_addr *address,
			    uint64_t at_ns, enum event_host_source *ret_source)
{
	const struct known_name *answered = find_answered(names, address, at_ns);
	const char *name = answered ? answered->name : hosts_file_find(names->file, address);

	if (name)
		*ret_source = answered ? EVENT_HOST_DNS : EVENT_HOST_FILE;
	return name;
}

void host_names_count(const struct host_names *names, struct host_names_counts *ret_counts)
{
	*ret_counts = (struct host_names_counts){.forgotten = names->forgotten,
						 .in_file = hosts_file_count(names->file)};
	for (size_t i = 0; i < BUCKETS; i++)
		for (size_t j = 0; j < BUCKET_NAMES; j++)
			ret_counts->known += names->buckets[i][j].name != NULL;
}
