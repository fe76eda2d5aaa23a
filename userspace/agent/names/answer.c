/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/answer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Of letters that stand for themselves in text: a name with others is no host's. */
bool answer_set_name(struct answer *answer, const char *from)
{
	const size_t size = sizeof(answer->name);
	char *to = answer->name;
	size_t i = 0;

	for (; from[i]; i++) {
		char letter =
			from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];

		if (i + 1 >= size || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", letter))
			return false;
		to[i] = letter;
	}
	to[i] = '\0';
	return i > 0 && strcmp(to, ".") != 0;
}

/* Returns 1 when it is about a host that there is, 0 when not, -EBADMSG. */
static int read_question(ns_msg *handle, struct answer *answer)
{
	ns_rr record;

	if (ns_msg_getflag(*handle, ns_f_qr) != 1 || ns_msg_count(*handle, ns_s_qd) != 1 ||
	    ns_parserr(handle, ns_s_qd, 0, &record) < 0)
		return -EBADMSG;
	return ns_msg_getflag(*handle, ns_f_opcode) == ns_o_query &&
	       ns_msg_getflag(*handle, ns_f_rcode) == ns_r_noerror &&
	       ns_rr_class(record) == ns_c_in && answer_set_name(answer, ns_rr_name(record));
}

void answer_add_address(struct answer *answer, const uint8_t *bytes, size_t n_bytes, uint32_t ttl_s)
{
	struct in6_addr address = {};

	if ((n_bytes != NS_INADDRSZ && n_bytes != NS_IN6ADDRSZ) ||
	    answer->n_addresses == ANSWER_ADDRESSES_MAX)
		return;
	if (n_bytes == NS_INADDRSZ)
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
	memcpy(address.s6_addr + sizeof(address) - n_bytes, bytes, n_bytes);
	answer->addresses[answer->n_addresses].address = address;
	answer->addresses[answer->n_addresses++].ttl_s = ttl_s;
}

static void add_record(const ns_rr *record, struct answer *answer)
{
	size_t wanted = ns_rr_type(*record) == ns_t_a ? NS_INADDRSZ : NS_IN6ADDRSZ;

	if (ns_rr_rdlen(*record) == wanted)
		answer_add_address(answer, ns_rr_rdata(*record), wanted, ns_rr_ttl(*record));
}

/* Aliases stand before what they lead to (RFC 1034 4.3.2), so one pass follows them. */
static int read_records(ns_msg *handle, struct answer *answer)
{
	char owner[NS_MAXDNAME];
	ns_rr record;

	memcpy(owner, answer->name, sizeof(answer->name));
	for (int i = 0; i < ns_msg_count(*handle, ns_s_an); i++) {
		if (ns_parserr(handle, ns_s_an, i, &record) < 0)
			return -EBADMSG;
		if (ns_rr_class(record) != ns_c_in || strcasecmp(ns_rr_name(record), owner) != 0)
			continue;
		if (ns_rr_type(record) == ns_t_a || ns_rr_type(record) == ns_t_aaaa)
			add_record(&record, answer);
		else if (ns_rr_type(record) == ns_t_cname &&
			 ns_name_uncompress(ns_msg_base(*handle), ns_msg_end(*handle),
					    ns_rr_rdata(record), owner, sizeof(owner)) < 0)
			return -EBADMSG;
	}
	return 0;
}

int answer_parse(const uint8_t *message, size_t size, struct answer *ret_answer)
{
	struct answer answer = {};
	ns_msg handle;
	int r;

	if (size > UINT16_MAX || ns_initparse(message, (int)size, &handle) < 0)
		return -EBADMSG;
	r = read_question(&handle, &answer);
	if (r > 0)
		r = read_records(&handle, &answer);
	if (r < 0)
		return r;
	*ret_answer = answer;
	return 0;
}
