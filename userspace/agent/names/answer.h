/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_ANSWER_H
#define WEIR_AGENT_NAMES_ANSWER_H

/*
 * The answer to a DNS query for addresses, as anybody may have written it: which name was asked
 * for, and which addresses it has, by whatever chain of aliases.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_NAME_BYTES 254 /* as text, RFC 1035 2.3.4 */
#define ANSWER_ADDRESSES_MAX 32

struct answer {
	char name[ANSWER_NAME_BYTES]; /* that was asked for, in lower case */
	struct {
		struct in6_addr address; /* IPv4 as v4-mapped */
		uint32_t ttl_s;
	} addresses[ANSWER_ADDRESSES_MAX];
	size_t n_addresses; /* 0: it is an answer, but to something else, or that there is none */
};

/* Whether it is the name of a host, which the answer then has. */
bool answer_set_name(struct answer *answer, const char *name);
/* In the order of the network, 4 or 16 bytes. Of more than there is room for the first ones. */
void answer_add_address(struct answer *answer, const uint8_t *address, size_t n_bytes,
			uint32_t ttl_s);

/* 0; -EBADMSG: no answer, or a damaged one. */
int answer_parse(const uint8_t *message, size_t size, struct answer *ret_answer);

#endif
