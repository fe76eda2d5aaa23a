/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_PEOPLE_PEOPLE_H
#define WEIR_COLLECTOR_PEOPLE_PEOPLE_H

/*
 * Turns a login uid on a host into a pseudonym, by way of the staff id where an
 * accounts file knows one, and takes everything out of an event that names the
 * person otherwise. The same person has the same pseudonym as long as the key
 * is the same; without the key a pseudonym leads to nobody.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

struct policy;
struct people;

/*
 * Reads the key that the policy names, or default_key_path, which is made with
 * mode 0600 on first use (a key that the policy names is never made: another
 * key would be another set of pseudonyms). Reads the accounts file of the
 * policy, if any: lines of AGENT,UID,STAFF_ID where AGENT may be "*"; a line that
 * begins with "#" is a comment, a first line "agent,uid,staff_id" a heading.
 * The policy must outlive the result.
 *
 * Returns 0; -EPERM (others may read the key), -EINVAL (key too short, or a wrong
 * line in the accounts file), -ENOENT, -EACCES, ... With an error *ret_problem, if
 * asked for, is one line that says what is wrong; the caller frees it.
 */
int people_new(const struct policy *policy, const char *default_key_path,
	       struct people **ret_people, char **ret_problem);
void people_free(struct people *people);

/*
 * Takes the person out of an event: clears app.login_uid and masks the paths of
 * the event. *ret_person is the pseudonym, which the caller frees, or NULL for
 * an event that is about no app. Returns 0 or -ENOMEM; then the event must not
 * be stored, since it may still name the person.
 */
int people_identify(const struct people *people, struct event *event, char **ret_person,
		    bool *ret_is_staff);

/*
 * Puts "~" in place of the person's name in a path: /home/NAME, /Users/NAME,
 * /run/user/UID, /run/media/NAME, /media/NAME/DISK, /var/mail/NAME, and of the uid in
 * /user-UID.slice and /user@UID.service; wherever it stands in the text. The caller frees
 * *ret_masked. Returns 0 or -ENOMEM.
 */
int people_mask_path(const char *path, char **ret_masked);

static inline void people_freep(struct people **people)
{
	people_free(*people);
}

#endif
