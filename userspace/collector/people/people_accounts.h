/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_PEOPLE_PEOPLE_ACCOUNTS_H
#define WEIR_COLLECTOR_PEOPLE_PEOPLE_ACCOUNTS_H

/*
 * The accounts file: which login uid on which host is which member of staff, so
 * that one person with accounts on several machines has one pseudonym. Lines of
 * AGENT,UID,STAFF_ID; a wrong line refuses the whole file.
 */

#include <stddef.h>
#include <stdint.h>

enum {
	PEOPLE_MAX_ACCOUNTS_BYTES = 64 * 1024 * 1024
};

struct people_account {
	char *agent; /* "*": any host */
	uint32_t login_uid;
	char *staff_id;
};

struct people_accounts {
	struct people_account *items; /* sorted by uid, then agent */
	size_t n_items;
};

/* Returns 0, -EINVAL (a wrong line, or two lines that contradict), -ENOENT, -EFBIG, ...; with an
 * error *ret_problem is a line of text that the caller frees. */
int people_accounts_load(const char *path, struct people_accounts *ret_accounts,
			 char **ret_problem);
void people_accounts_done(struct people_accounts *accounts);

/* The staff id of an account, NULL when the file does not know it. A line for the host itself
 * stands above one for any host. */
const char *people_accounts_find(const struct people_accounts *accounts, const char *agent,
				 uint32_t login_uid);

#endif
