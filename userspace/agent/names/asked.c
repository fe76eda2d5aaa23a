/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/asked.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/names/question.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/siphash.h"

#define DOMAINS_MAX 512
#define NAMES_MAX 4096 /* of one domain, a power of two */
#define NAMES_FIRST 16
#define APPS_MAX 1024 /* of one domain */
#define AGES 8        /* parts of the window by which names grow old */

struct asked_name {
	uint64_t fingerprint; /* 0: free */
	uint32_t asked_s;     /* when it was asked for first */
	uint32_t below_bytes;
};

struct domain {
	char *name;
	uint32_t login_uid;
	uint64_t oldest_ns, last_ns;   /* of the names */
	uint64_t n_names, below_bytes; /* of different names */
	struct asked_name *names;      /* open addressing */
	size_t n_slots;
	struct asked_app *apps;
	size_t n_apps;
	bool is_told, is_cut;
};

struct asked {
	struct asked_limits limits;
	uint8_t key[SIPHASH_KEY_BYTES];
	struct domain domains[DOMAINS_MAX];
	size_t n_domains;
	uint64_t complete_ns; /* what begins from then on was not forgotten before */
	struct asked_counts counts;
};

int asked_new(const struct asked_limits *limits, struct asked **ret_asked)
{
	_cleanup_free_ struct asked *asked = calloc(1, sizeof(*asked));

	if (!asked)
		return -ENOMEM;
	if (getrandom(asked->key, sizeof(asked->key), 0) != sizeof(asked->key))
		return -EIO;
	asked->limits = *limits;
	*ret_asked = TAKE(asked);
	return 0;
}

static void domain_done(struct domain *domain)
{
	for (size_t i = 0; i < domain->n_apps; i++)
		event_free(domain->apps[i].event);
	free(domain->apps);
	free(domain->names);
	free(domain->name);
}

void asked_free(struct asked *asked)
{
	if (!asked)
		return;
	for (size_t i = 0; i < asked->n_domains; i++)
		domain_done(&asked->domains[i]);
	free(asked);
}

static void forget_domain(struct asked *asked, size_t at)
{
	domain_done(&asked->domains[at]);
	asked->domains[at] = asked->domains[--asked->n_domains];
}

/* One that was told goes last: its app may still be at it. */
static size_t find_quietest(const struct asked *asked)
{
	size_t quietest = 0;

	for (size_t i = 1; i < asked->n_domains; i++) {
		const struct domain *domain = &asked->domains[i];
		const struct domain *best = &asked->domains[quietest];

		if (domain->is_told != best->is_told ? best->is_told
						     : domain->last_ns < best->last_ns)
			quietest = i;
	}
	return quietest;
}

/* Nothing of it is within the window. */
static bool is_over(const struct asked *asked, const struct domain *domain, uint64_t now_ns)
{
	return now_ns > domain->last_ns && now_ns - domain->last_ns > asked->limits.window_ns;
}

static void make_place(struct asked *asked)
{
	size_t at = find_quietest(asked);
	const struct domain *domain = &asked->domains[at];

	if (!domain->is_told) {
		asked->counts.forgotten++;
		if (domain->last_ns + asked->limits.window_ns > asked->complete_ns)
			asked->complete_ns = domain->last_ns + asked->limits.window_ns;
	}
	forget_domain(asked, at);
}

/* NULL when memory is out. */
static struct domain *get_domain(struct asked *asked, uint32_t login_uid, const char *name,
				 uint64_t now_ns)
{
	struct domain *domain;
	char *copy;

	for (size_t i = 0; i < asked->n_domains; i++) {
		domain = &asked->domains[i];
		if (domain->login_uid != login_uid || strcmp(domain->name, name) != 0)
			continue;
		if (!is_over(asked, domain, now_ns))
			return domain;
		forget_domain(asked, i);
		break;
	}
	copy = strdup(name);
	if (!copy)
		return NULL;
	if (asked->n_domains == DOMAINS_MAX)
		make_place(asked);
	domain = &asked->domains[asked->n_domains++];
	*domain = (struct domain){.name = copy,
				  .login_uid = login_uid,
				  .oldest_ns = now_ns,
				  .last_ns = now_ns,
				  .is_cut = now_ns < asked->complete_ns};
	return domain;
}

static struct asked_name *find_slot(struct asked_name *names, size_t n_slots, uint64_t fingerprint)
{
	size_t at = fingerprint & (n_slots - 1);

	while (names[at].fingerprint && names[at].fingerprint != fingerprint)
		at = (at + 1) & (n_slots - 1);
	return &names[at];
}

/* Moves the names that were asked for from then on. 0 or -ENOMEM. */
static int move_names(struct domain *domain, size_t n_slots, uint64_t from_ns)
{
	struct asked_name *names = calloc(n_slots, sizeof(*names));

	if (!names)
		return -ENOMEM;
	domain->n_names = domain->below_bytes = 0;
	domain->oldest_ns = domain->last_ns;
	for (size_t i = 0; i < domain->n_slots; i++) {
		const struct asked_name *name = &domain->names[i];
		uint64_t asked_ns = name->asked_s * CLOCK_NS_PER_SECOND;

		if (!name->fingerprint || asked_ns < from_ns)
			continue;
		*find_slot(names, n_slots, name->fingerprint) = *name;
		domain->n_names++;
		domain->below_bytes += name->below_bytes;
		if (asked_ns < domain->oldest_ns)
			domain->oldest_ns = asked_ns;
	}
	free(domain->names);
	domain->names = names;
	domain->n_slots = n_slots;
	return 0;
}

static void age_apps(struct domain *domain, uint64_t from_ns)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < domain->n_apps; i++) {
		if (domain->apps[i].last_ns >= from_ns)
			domain->apps[n_kept++] = domain->apps[i];
		else
			event_free(domain->apps[i].event);
	}
	domain->n_apps = n_kept;
}

/* What was asked over a longer time than the window does not add up, until it is told: from then on
 * a name is new only once. Looked at a few times in a window. 0 or -ENOMEM. */
static int age_names(const struct asked *asked, struct domain *domain, uint64_t now_ns)
{
	uint64_t window_ns = asked->limits.window_ns;

	if (domain->is_told || !domain->n_slots || now_ns < domain->oldest_ns ||
	    now_ns - domain->oldest_ns <= window_ns + window_ns / AGES)
		return 0;
	age_apps(domain, now_ns - window_ns);
	return move_names(domain, domain->n_slots, now_ns - window_ns);
}

/* Three of four slots may be taken. 0 or -ENOMEM. */
static int make_room(struct domain *domain)
{
	if (domain->n_names + 1 <= domain->n_slots / 4 * 3)
		return 0;
	return move_names(domain, domain->n_slots ? domain->n_slots * 2 : NAMES_FIRST, 0);
}

/* Returns 1 for a name that was not asked for before, 0, -ENOMEM. */
static int add_name(const struct asked *asked, struct domain *domain,
		    const struct question *question, uint64_t now_ns)
{
	uint64_t fingerprint = siphash(asked->key, question->name, question->name_bytes) | 1;
	struct asked_name *slot;
	int r = make_room(domain);

	if (r < 0)
		return r;
	slot = find_slot(domain->names, domain->n_slots, fingerprint);
	if (slot->fingerprint)
		return 0;
	if (domain->n_names == NAMES_MAX) {
		domain->is_cut = true;
		return 0;
	}
	*slot = (struct asked_name){.fingerprint = fingerprint,
				    .asked_s = (uint32_t)(now_ns / CLOCK_NS_PER_SECOND),
				    .below_bytes = (uint32_t)question->below_bytes};
	domain->n_names++;
	domain->below_bytes += question->below_bytes;
	return 1;
}

/* Who has asked and was told makes room for others: it is told anew if it asks again. */
static void drop_app(struct asked *asked, struct domain *domain)
{
	size_t at = 0;

	while (at + 1 < domain->n_apps && domain->apps[at].is_changed)
		at++;
	if (domain->apps[at].is_changed) {
		asked->counts.taken -= domain->apps[at].asked;
		asked->counts.dropped += domain->apps[at].asked;
		domain->is_cut = true;
	}
	event_free(domain->apps[at].event);
	memmove(&domain->apps[at], &domain->apps[at + 1],
		(domain->n_apps - at - 1) * sizeof(domain->apps[0]));
	domain->n_apps--;
}

static struct asked_app *get_app(struct asked *asked, struct domain *domain, uint64_t id,
				 uint64_t now_ns)
{
	struct asked_app *grown;

	for (size_t i = domain->n_apps; i-- > 0;)
		if (domain->apps[i].id == id)
			return &domain->apps[i];
	if (domain->n_apps == APPS_MAX)
		drop_app(asked, domain);
	grown = reallocarray(domain->apps, domain->n_apps + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	domain->apps = grown;
	grown[domain->n_apps] = (struct asked_app){.id = id, .first_ns = now_ns};
	return &grown[domain->n_apps++];
}

/* Types whose answers hold whatever the other side likes to say. */
static bool is_free_text(uint16_t type)
{
	return type == ns_t_txt || type == ns_t_null;
}

int asked_take(struct asked *asked, uint32_t login_uid, uint64_t app_id,
	       const struct question *question, uint64_t message_bytes, uint64_t now_ns,
	       struct asked_app **ret_app)
{
	struct domain *domain = get_domain(asked, login_uid, question->domain, now_ns);
	bool is_young = domain && age_names(asked, domain, now_ns) == 0;
	struct asked_app *app = is_young ? get_app(asked, domain, app_id, now_ns) : NULL;
	int is_new = app ? add_name(asked, domain, question, now_ns) : -ENOMEM;

	if (is_new < 0) {
		asked->counts.dropped++;
		if (domain)
			domain->is_cut = true;
		return is_new;
	}
	asked->counts.taken++;
	domain->last_ns = app->last_ns = now_ns;
	app->message_bytes += message_bytes;
	app->asked++;
	app->questions.names += (uint64_t)is_new;
	app->questions.text += is_free_text(question->type);
	app->questions.name_bytes += is_new ? question->below_bytes : 0;
	if (question->longest_bytes > app->questions.longest_bytes)
		app->questions.longest_bytes = question->longest_bytes;
	app->is_changed = true;
	*ret_app = app;
	return 0;
}

static bool is_to_be_told(const struct asked *asked, const struct domain *domain)
{
	return domain->is_told ||
	       (domain->n_names >= asked->limits.names_min &&
		domain->below_bytes >= asked->limits.bytes_min * domain->n_names);
}

void asked_visit(struct asked *asked,
		 void (*visit)(void *userdata, const struct asked_app *app, bool is_cut),
		 void *userdata)
{
	for (size_t i = 0; i < asked->n_domains; i++) {
		struct domain *domain = &asked->domains[i];

		if (!is_to_be_told(asked, domain))
			continue;
		domain->is_told = true;
		for (size_t j = 0; j < domain->n_apps; j++) {
			if (!domain->apps[j].is_changed)
				continue;
			domain->apps[j].is_changed = false;
			visit(userdata, &domain->apps[j], domain->is_cut);
		}
	}
}

void asked_visit_again(struct asked *asked)
{
	for (size_t i = 0; i < asked->n_domains; i++)
		for (size_t j = 0; j < asked->domains[i].n_apps; j++)
			asked->domains[i].apps[j].is_changed = true;
}

void asked_count(const struct asked *asked, struct asked_counts *ret_counts)
{
	*ret_counts = asked->counts;
	ret_counts->domains = asked->n_domains;
}
