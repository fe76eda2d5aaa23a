/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_value.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/cleanup.h"

#define MAPPED_BITS 96          /* an IPv4 prefix stands behind ::ffff:0:0/96 */
#define MAX_HOST_NAME_BYTES 253 /* RFC 1035 */
#define MAX_HOST_LABEL_BYTES 63

void policy_list_done(struct policy_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct policy_list){};
}

int policy_value_split(const char *value, struct policy_list *ret_list)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {};

	while (*value) {
		size_t size = strcspn(value, ","), trimmed;
		const char *start = value;

		value += size + (value[size] == ',');
		for (; size && isspace((unsigned char)*start); size--)
			start++;
		for (trimmed = size; trimmed && isspace((unsigned char)start[trimmed - 1]);)
			trimmed--;
		if (trimmed) {
			char **item = policy_model_add(&list.items, &list.n_items, sizeof(*item));

			if (!item)
				return -ENOMEM;
			*item = strndup(start, trimmed);
			if (!*item)
				return -ENOMEM;
		}
	}
	*ret_list = list;
	list = (struct policy_list){};
	return 0;
}

int policy_value_parse_switch(const char *value)
{
	static const char *const on[] = {"yes", "true", "on", "1"};
	static const char *const off[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (!strcasecmp(value, on[i]))
			return 1;
		if (!strcasecmp(value, off[i]))
			return 0;
	}
	return -EINVAL;
}

int policy_value_parse_number(const char *value, int64_t least, int64_t most, int64_t *ret_number)
{
	const char *digits = value + (*value == '-');
	long long number;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return -EINVAL;
	errno = 0;
	number = strtoll(value, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || number < least || number > most)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

static void mask_range(struct policy_range *range)
{
	for (unsigned int bit = range->prefix_bits; bit < 128; bit++)
		range->address.s6_addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static int parse_address(const char *text, struct in6_addr *ret_address, unsigned int *ret_bits)
{
	int r = address_parse(text, ret_address);

	if (r == 0)
		*ret_bits = strchr(text, ':') ? 128 : 32;
	return r;
}

static bool is_host_name(const char *value)
{
	const char *label = value;
	bool has_letter = false;

	if (strlen(value) > MAX_HOST_NAME_BYTES)
		return false;
	for (const char *c = value;; c++) {
		if (*c == '.' || !*c) {
			size_t size = (size_t)(c - label);

			if (!size || size > MAX_HOST_LABEL_BYTES || *label == '-' || c[-1] == '-')
				return false;
			if (!*c)
				/* A last label of digits is a mistyped address. */
				return has_letter;
			label = c + 1;
			has_letter = false;
		} else if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_') {
			return false;
		} else if (!isdigit((unsigned char)*c)) {
			has_letter = true;
		}
	}
}

int policy_value_parse_host(const char *value, struct policy_range *ret_range)
{
	const char *slash = strchr(value, '/');
	struct policy_range range = {};
	char address[64];
	size_t size = slash ? (size_t)(slash - value) : strlen(value);
	unsigned int bits;
	int64_t prefix;

	if (size < sizeof(address)) {
		memcpy(address, value, size);
		address[size] = '\0';
		if (!parse_address(address, &range.address, &bits)) {
			prefix = bits;
			if (slash && policy_value_parse_number(slash + 1, 0, bits, &prefix) < 0)
				return -EINVAL;
			range.prefix_bits = (unsigned int)prefix + (bits == 32 ? MAPPED_BITS : 0);
			mask_range(&range);
			*ret_range = range;
			return POLICY_HOST_RANGE;
		}
	}
	if (value[0] == '*' && value[1] == '.')
		return is_host_name(value + 2) ? POLICY_HOST_NAMES : -EINVAL;
	return is_host_name(value) ? POLICY_HOST_NAME : -EINVAL;
}

int policy_value_parse_way(const char *value, char **ret_host, unsigned int *ret_port,
			   struct policy_range *ret_range)
{
	const char *bracket = value[0] == '[' ? strchr(value, ']') : NULL, *colon;
	_cleanup_free_ char *host = NULL;
	int64_t port = 0;
	int shape;

	colon = strrchr(bracket ? bracket : value, ':');
	/* More than one, and no bracket: an address of IPv6. */
	if (colon && !bracket && strchr(value, ':') != colon)
		colon = NULL;
	if ((value[0] == '[' && !bracket) || (bracket && bracket[1] && colon != bracket + 1) ||
	    (colon && policy_value_parse_number(colon + 1, 1, UINT16_MAX, &port) < 0))
		return -EINVAL;
	if (bracket)
		host = strndup(value + 1, (size_t)(bracket - value) - 1);
	else
		host = strndup(value, colon ? (size_t)(colon - value) : strlen(value));
	if (!host)
		return -ENOMEM;
	shape = policy_value_parse_host(host, ret_range);
	if (shape < 0)
		return shape;
	*ret_host = TAKE(host);
	*ret_port = (unsigned int)port;
	return shape;
}

bool policy_value_is_in_range(const struct policy_range *range, const struct in6_addr *address)
{
	unsigned int whole = range->prefix_bits / 8, rest = range->prefix_bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (memcmp(range->address.s6_addr, address->s6_addr, whole))
		return false;
	return !rest || !((range->address.s6_addr[whole] ^ address->s6_addr[whole]) & mask);
}

int policy_value_parse_uids(const char *value, struct policy_uids *ret_uids)
{
	/* The highest number is "no login uid" in the kernel. */
	const int64_t most = UINT32_MAX - 1;
	_cleanup_free_ char *first = NULL;
	const char *dash = strchr(value, '-');
	int64_t from, to;

	first = strndup(value, dash ? (size_t)(dash - value) : strlen(value));
	if (!first)
		return -ENOMEM;
	if (policy_value_parse_number(first, 0, most, &from) < 0)
		return -EINVAL;
	to = from;
	if (dash && policy_value_parse_number(dash + 1, from, most, &to) < 0)
		return -EINVAL;
	*ret_uids = (struct policy_uids){.first = (uint32_t)from, .last = (uint32_t)to};
	return 0;
}

int policy_value_make_path(const char *folder, const char *value, char **ret_path)
{
	char *path, *to;

	if (value[0] == '/')
		folder = "";
	else if (value[0] == '.' && value[1] == '/')
		value += 2;
	if (asprintf(&path, "%s/%s", folder, value) < 0)
		return -ENOMEM;
	to = path;
	for (const char *from = path; *from; from++)
		if (from[0] != '/' || (from[1] != '/' && from[1]))
			*to++ = *from;
	if (to == path)
		*to++ = '/';
	*to = '\0';
	*ret_path = path;
	return 0;
}
