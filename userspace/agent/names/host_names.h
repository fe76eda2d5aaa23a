/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_HOST_NAMES_H
#define WEIR_AGENT_NAMES_HOST_NAMES_H

/*
 * What an address was called when it was looked up: by DNS answers that were seen, else by the
 * file of hosts. It describes and decides nothing: many hosts share an address, and anybody may
 * have sent the answer. Bounded: an address that was not answered for longest gives way.
 */

#include <netinet/in.h>
#include <stdint.h>

#include "event/event.h"

struct answer;
struct host_names;

struct host_names_counts {
	uint64_t known;     /* names of addresses now in memory */
	uint64_t forgotten; /* that gave way to others before their time was over */
	uint64_t in_file;   /* addresses in the file of hosts */
};

/* The file may be missing; one that is read later is found by host_names_reread(). 0 or -errno. */
int host_names_new(const char *hosts_path, struct host_names **ret_names);
void host_names_free(struct host_names *names);

/* Times are CLOCK_BOOTTIME. */
void host_names_take(struct host_names *names, const struct answer *answer, uint64_t now_ns);
/* Reads the file again when it is another one, or has changed. */
void host_names_reread(struct host_names *names);
/* The last name that was answered for the address by then, else the file's; NULL: none. It lives
 * until the next call that changes something. */
const char *host_names_find(const struct host_names *names, const struct in6_addr *address,
			    uint64_t at_ns, enum event_host_source *ret_source);
void host_names_count(const struct host_names *names, struct host_names_counts *ret_counts);

#endif
