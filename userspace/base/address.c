/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>

int address_parse(const char *text, struct in6_addr *ret_address)
{
	struct in6_addr address = {};

	if (inet_pton(AF_INET, text, &address.s6_addr[12]) == 1)
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
	else if (inet_pton(AF_INET6, text, &address) != 1)
		return -EINVAL;
	*ret_address = address;
	return 0;
}
