/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/people/people_accounts.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	N_FIELDS = 3
};

void people_accounts_done(struct people_accounts *accounts)
{
	for (size_t i = 0; i < accounts->n_items; i++) {
		free(accounts->items[i].agent);
		free(accounts->items[i].staff_id);
	}
	free(accounts->items);
	*accounts = (struct people_accounts){};
}

static char *trim(char *text)
{
	size_t size;

	text += strspn(text, " \t\r");
	size = strlen(text);
	while (size > 0 && strchr(" \t\r", text[size - 1]))
		text[--size] = '\0';
	return text;
}

static int parse_uid(const char *text, uint32_t *ret_uid)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	/* The highest uid means "none". */
	if (errno > 0 || *end != '\0' || value >= UINT32_MAX)
		return -EINVAL;
	*ret_uid = (uint32_t)value;
	return 0;
}

static int add(struct people_accounts *accounts, const char *agent, uint32_t login_uid,
	       const char *staff_id)
{
	struct people_account *grown =
		reallocarray(accounts->items, accounts->n_items + 1, sizeof(*grown));
	struct people_account account = {.login_uid = login_uid};

	if (!grown)
		return -ENOMEM;
	accounts->items = grown;
	account.agent = strdup(agent);
	account.staff_id = strdup(staff_id);
	if (!account.agent || !account.staff_id) {
		free(account.agent);
		free(account.staff_id);
		return -ENOMEM;
	}
	grown[accounts->n_items++] = account;
	return 0;
}

/* Returns 0, or -EINVAL with *ret_why. */
static int parse_line(char *line, bool is_first, struct people_accounts *accounts,
		      const char **ret_why)
{
	char *fields[N_FIELDS] = {};
	size_t n_fields = 0;
	uint32_t uid;
	char *field;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return 0;
	while ((field = strsep(&line, ","))) {
		if (n_fields < N_FIELDS)
			fields[n_fields] = trim(field);
		n_fields++;
	}
	*ret_why = "three fields are wanted: AGENT,UID,STAFF_ID";
	if (n_fields != N_FIELDS || !*fields[0] || !*fields[1] || !*fields[2])
		return -EINVAL;
	if (is_first && strcmp(fields[0], "agent") == 0 && strcmp(fields[2], "staff_id") == 0)
		return 0;
	*ret_why = "the second field is a login uid, a number";
	if (parse_uid(fields[1], &uid) < 0)
		return -EINVAL;
	return add(accounts, fields[0], uid, fields[2]);
}

static int compare_accounts(const void *a, const void *b)
{
	const struct people_account *x = a, *y = b;

	if (x->login_uid != y->login_uid)
		return x->login_uid < y->login_uid ? -1 : 1;
	return strcmp(x->agent, y->agent);
}

static int problem(int error, char **ret_problem, const char *path, unsigned int line,
		   const char *why)
{
	char *text;
	int r = line > 0 ? asprintf(&text, "%s:%u: %s", path, line, why)
			 : asprintf(&text, "%s: %s", path, why);

	if (r >= 0)
		*ret_problem = text;
	return r < 0 ? -ENOMEM : error;
}

static int check_contradictions(const struct people_accounts *accounts, const char *path,
				char **ret_problem)
{
	for (size_t i = 1; i < accounts->n_items; i++) {
		const struct people_account *a = &accounts->items[i - 1], *b = a + 1;
		_cleanup_free_ char *why = NULL;

		if (compare_accounts(a, b) != 0 || strcmp(a->staff_id, b->staff_id) == 0)
			continue;
		if (asprintf(&why, "%s,%u is two people", a->agent, a->login_uid) < 0) {
			why = NULL;
			return -ENOMEM;
		}
		return problem(-EINVAL, ret_problem, path, 0, why);
	}
	return 0;
}

int people_accounts_load(const char *path, struct people_accounts *ret_accounts, char **ret_problem)
{
	_cleanup_(people_accounts_done) struct people_accounts accounts = {};
	_cleanup_free_ char *data = NULL;
	unsigned int n_lines = 0;
	char *rest, *line;
	const char *why;
	int r = file_read_all(path, PEOPLE_MAX_ACCOUNTS_BYTES, &data, NULL);

	if (r < 0)
		return problem(r, ret_problem, path, 0, strerror(-r));
	rest = data;
	while ((line = strsep(&rest, "\n"))) {
		n_lines++;
		r = parse_line(line, n_lines == 1, &accounts, &why);
		if (r < 0)
			return r == -EINVAL ? problem(r, ret_problem, path, n_lines, why) : r;
	}
	if (accounts.n_items > 0)
		qsort(accounts.items, accounts.n_items, sizeof(*accounts.items), compare_accounts);
	r = check_contradictions(&accounts, path, ret_problem);
	if (r < 0)
		return r;
	*ret_accounts = accounts;
	accounts = (struct people_accounts){};
	return 0;
}

static const char *find(const struct people_accounts *accounts, char *agent, uint32_t login_uid)
{
	struct people_account wanted = {.agent = agent, .login_uid = login_uid};
	const struct people_account *found = NULL;

	if (accounts->n_items > 0)
		found = bsearch(&wanted, accounts->items, accounts->n_items, sizeof(wanted),
				compare_accounts);
	return found ? found->staff_id : NULL;
}

const char *people_accounts_find(const struct people_accounts *accounts, const char *agent,
				 uint32_t login_uid)
{
	const char *staff_id = find(accounts, (char *)agent, login_uid);
	char any[] = "*";

	return staff_id ? staff_id : find(accounts, any, login_uid);
}
