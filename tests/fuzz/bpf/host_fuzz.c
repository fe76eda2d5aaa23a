/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first bytes of a connection, as anybody may write them: the kernel side's own reader looks at
 * none outside of them, and what it calls a name lies within.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#define HOST_READ(to, address) memcpy(&(to), (const void *)(uintptr_t)(address), sizeof(to))
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(__u64 found, size_t size)
{
	if (found && ((__u32)found == 0 || (found >> 32) + (__u32)found > size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__u64 address = (__u64)(uintptr_t)data;
	__u32 method;

	if (size > HOST_BYTES_MAX)
		return 0;
	method = host_read_method(address, (__u32)size);
	check_place(host_find_tls(address, (__u32)size), size);
	host_has_encrypted_hello(address, (__u32)size);
	host_is_cut(address, (__u32)size);
	host_is_cut_request(address, (__u32)size);
	if (method == GREETING_CONNECT || greeting_is_request(method))
		check_place(host_find_http(address, (__u32)size, method), size);
	return 0;
}
