/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/people/people.h"

#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "collector/people/people_accounts.h"
#include "policy/policy.h"

enum {
	KEY_BYTES = 32,
	MIN_KEY_BYTES = 16,
	MAX_KEY_BYTES = 4096,
	PSEUDONYM_DIGITS = 10, /* 40 bits: among 10000 people two share one with p = 0.00005 */
};

/* Where neither login uid nor real uid is known. */
#define UNKNOWN_UID UINT32_MAX

struct people {
	const struct policy *policy;
	struct people_accounts accounts;
	char *key;
	size_t key_size;
};

void people_free(struct people *people)
{
	if (!people)
		return;
	if (people->key)
		explicit_bzero(people->key, people->key_size);
	free(people->key);
	people_accounts_done(&people->accounts);
	free(people);
}

static int problem(int error, char **ret_problem, const char *path, const char *why)
{
	char *text;

	if (asprintf(&text, "%s: %s", path, why) < 0)
		return -ENOMEM;
	*ret_problem = text;
	return error;
}

static int make_key(const char *path, char **ret_problem)
{
	uint8_t bytes[KEY_BYTES];
	char text[2 * KEY_BYTES + 2];
	int r = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return problem(-EIO, ret_problem, path, "no random numbers to make a key of");
	hash_to_hex(bytes, sizeof(bytes), text);
	text[sizeof(text) - 2] = '\n';
	r = file_write_durably(path, text, sizeof(text) - 1, 0600);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return r < 0 ? problem(r, ret_problem, path, strerror(-r)) : 0;
}

static int check_mode(const char *path, char **ret_problem)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return problem(-errno, ret_problem, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return problem(-EINVAL, ret_problem, path, "a pseudonym key is a regular file");
	if (st.st_mode & 077)
		return problem(-EPERM, ret_problem, path,
			       "others can read the pseudonym key; chmod it to 0600");
	return 0;
}

static int load_key(struct people *people, const char *path, char **ret_problem)
{
	int r = check_mode(path, ret_problem);

	if (r < 0)
		return r;
	r = file_read_all(path, MAX_KEY_BYTES, &people->key, &people->key_size);
	if (r < 0)
		return problem(r, ret_problem, path, strerror(-r));
	/* An editor's final newline makes no other key. */
	while (people->key_size > 0 && strchr("\r\n", people->key[people->key_size - 1]))
		people->key_size--;
	if (people->key_size < MIN_KEY_BYTES)
		return problem(-EINVAL, ret_problem, path, "a pseudonym key has at least 16 bytes");
	return 0;
}

static int open_key(struct people *people, const char *default_key_path, char **ret_problem)
{
	const char *path = policy_pseudonym_key_file(people->policy);
	int r;

	if (path)
		return load_key(people, path, ret_problem);
	if (access(default_key_path, F_OK) < 0) {
		r = make_key(default_key_path, ret_problem);
		if (r < 0)
			return r;
	}
	return load_key(people, default_key_path, ret_problem);
}

int people_new(const struct policy *policy, const char *default_key_path,
	       struct people **ret_people, char **ret_problem)
{
	_cleanup_(people_freep) struct people *people = calloc(1, sizeof(*people));
	_cleanup_free_ char *text = NULL;
	const char *accounts = policy_accounts_file(policy);
	int r;

	if (!people)
		return -ENOMEM;
	people->policy = policy;
	r = open_key(people, default_key_path, &text);
	if (r == 0 && accounts)
		r = people_accounts_load(accounts, &people->accounts, &text);
	if (r < 0) {
		if (ret_problem)
			*ret_problem = TAKE(text);
		return r;
	}
	*ret_people = TAKE(people);
	return 0;
}

static int mask(char **text)
{
	char *masked;
	int r;

	if (!*text)
		return 0;
	r = people_mask_path(*text, &masked);
	if (r < 0)
		return r;
	free(*text);
	*text = masked;
	return 0;
}

static int mask_event(struct event *event)
{
	char **texts[] = {
		&event->object.name, &event->object.previous_name, &event->app.exe,
		&event->app.comm,    &event->app.cgroup,           &event->detail,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
		r = mask(texts[i]);
	return r;
}

static int make_pseudonym(const struct people *people, const char *agent, uint32_t login_uid,
			  const char *staff_id, char **ret_person)
{
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[HASH_SHA256_HEX_SIZE];
	_cleanup_free_ char *account = NULL;
	char *person;
	int r;

	if (!staff_id) {
		if (asprintf(&account, "%s/%u", agent, login_uid) < 0) {
			account = NULL;
			return -ENOMEM;
		}
		staff_id = account;
	}
	r = hash_hmac_sha256(people->key, people->key_size, staff_id, strlen(staff_id), digest);
	if (r < 0)
		return r;
	hash_to_hex(digest, sizeof(digest), hex);
	if (asprintf(&person, "P-%.*s", PSEUDONYM_DIGITS, hex) < 0)
		return -ENOMEM;
	*ret_person = person;
	return 0;
}

int people_identify(const struct people *people, struct event *event, char **ret_person,
		    bool *ret_is_staff)
{
	uint32_t login_uid = event->app.login_uid;
	const char *agent = event->agent ? event->agent : "";
	const char *staff_id = people_accounts_find(&people->accounts, agent, login_uid);
	bool is_somebody = event->app.id != 0 && login_uid != UNKNOWN_UID;
	char *person = NULL;
	int r = mask_event(event);

	if (r == 0 && is_somebody)
		r = make_pseudonym(people, agent, login_uid, staff_id, &person);
	if (r < 0)
		return r;
	event->app.login_uid = 0;
	*ret_person = person;
	*ret_is_staff = is_somebody && (staff_id || policy_is_staff(people->policy, login_uid));
	return 0;
}
