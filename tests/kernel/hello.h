/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_HELLO_H
#define WEIR_TESTS_KERNEL_HELLO_H

/* What OpenSSL says first on a connection. These stop the test on failure. */

#include <stddef.h>

#define HELLO_BYTES 2048

/* host: NULL for a hello without a name. Its length. */
size_t hello_make(const char *host, char ret_hello[HELLO_BYTES]);
/* One that hides another hello, or pretends to: RFC 9849 5 and 6.2. */
size_t hello_make_front(const char *host, char ret_hello[HELLO_BYTES]);

#endif
