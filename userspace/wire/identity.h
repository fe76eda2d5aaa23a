/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_IDENTITY_H
#define WEIR_WIRE_IDENTITY_H

/*
 * Who is who on the wire: a small certificate authority of one's own, and
 * ECDSA P-256 certificates for agents and collectors issued by it. Files are
 * written durably and private keys are 0600 from their first byte. A role is
 * bound by the extended key usage, so an agent cannot pose as a collector.
 */

#include <stdint.h>

#define IDENTITY_NAME_MAX_BYTES 64
/* What the agents expect of a collector's certificate unless they are told otherwise. */
#define IDENTITY_COLLECTOR_NAME "collector"

enum identity_role {
	IDENTITY_AGENT = 1,     /* TLS client */
	IDENTITY_COLLECTOR = 2, /* TLS server */
};

/* Paths of PEM files. The strings are borrowed. */
struct identity_files {
	const char *authority;
	const char *certificate;
	const char *key;
};

struct identity_request {
	const char *file; /* base name: DIR/FILE.crt and DIR/FILE.key are written */
	const char *name; /* common name and DNS name: the agent id, or the collector's name */
	enum identity_role role;
	int64_t valid_from_s; /* seconds from now, usually 0 or negative */
	int64_t valid_for_s;  /* from valid_from_s on; 0: two years */
};

/* Writes DIR/ca.crt and DIR/ca.key, making DIR (0700). Returns 0, -EEXIST when there is one,
 * -errno. */
int identity_make_authority(const char *dir);

/*
 * Issues a certificate by the authority in DIR, replacing one of the same file
 * name. Returns 0, -EINVAL (bad name), -ENOENT (no authority), -EBADMSG
 * (authority cannot be parsed), -errno.
 */
int identity_issue(const char *dir, const struct identity_request *request);

/*
 * Everything one machine needs that runs both ends: the authority,
 * DIR/agent.{crt,key} for agent_name and DIR/collector.{crt,key} for
 * IDENTITY_COLLECTOR_NAME. What is there and stays valid for a month is kept.
 */
int identity_ensure(const char *dir, const char *agent_name);

/* An agent name is 1..64 bytes of [A-Za-z0-9._-]. Returns 0 or -EINVAL. */
int identity_check_name(const char *name);

#endif
