/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_ADDRESS_H
#define WEIR_BASE_ADDRESS_H

/* Addresses of hosts as people write them. */

#include <netinet/in.h>

/* IPv4 becomes v4-mapped. 0 or -EINVAL. */
int address_parse(const char *text, struct in6_addr *ret_address);

#endif
