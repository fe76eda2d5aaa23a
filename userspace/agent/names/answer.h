/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_ANSWER_H
#define WEIR_AGENT_NAMES_ANSWER_H

/*
 * The answer to a DNS query for addresses, as anybody may have written it: which name was asked
 * for, and which addresses it has, by whatever chain of aliases.
 */

#include <netinet/in.h>
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

/* 0; -EBADMSG: no answer, or a damaged one. */
int answer_parse(const uint8_t *message, size_t size, struct answer *ret_answer);

#endif
