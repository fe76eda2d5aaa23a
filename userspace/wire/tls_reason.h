/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_TLS_REASON_H
#define WEIR_WIRE_TLS_REASON_H

/*
 * Says in plain words why TLS failed, from the side of the reader: whose
 * certificate was refused by whom, and what would be right.
 */

#include <stdbool.h>
#include <stddef.h>

struct tls_failure {
	bool we_are_collector;
	bool is_open;            /* failed after the handshake */
	const char *wanted_name; /* of the collector, as the agent was told */
	long verify_error;       /* X509_V_* of our check of the peer */
	unsigned long ssl_error; /* OpenSSL's error code, 0 for none */
};

void tls_reason_describe(const struct tls_failure *failure, char *ret_text, size_t size);

#endif
