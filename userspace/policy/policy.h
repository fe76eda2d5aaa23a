/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_H
#define WEIR_POLICY_POLICY_H

/*
 * The policy: which places hold customer data, which are trusted, which are
 * sinks, who is staff, and what detectors weigh. Loaded whole or not at all; a
 * wrong file yields problems that say file:line, what is wrong and what would
 * be right. Immutable once loaded, except for the addresses of host names.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "event/event.h"

struct policy;

/* A data class. Its label is the bit 1 << index. */
struct policy_class {
	char *name;
	char *title;    /* "" when not given */
	char *title_zh; /* "" when not given */
	char *grade;    /* C1, C2 or C3 of JR/T 0171; "" when not given */
	char *category; /* of 法释〔2017〕10号 art. 5, several joined by ","; "" when not given */
	unsigned int index;
};

/* What makes a connection to an address the place's own. */
enum policy_reach {
	POLICY_REACH_ADDRESS = 0, /* that it goes there */
	POLICY_REACH_NAME,  /* the same, unless it says another name: others share the address */
	POLICY_REACH_ASKED, /* that it asks for a name of the place: a proxy, a CDN */
};

/* An address range; IPv4 as v4-mapped IPv6, so prefix_bits counts from 0 to 128. */
struct policy_range {
	struct in6_addr address;
	unsigned int prefix_bits;
	enum policy_reach reach;
	unsigned int port; /* of ASKED, 0: any; else that of the zone */
};

/* A place in the network: a [crm], a [trusted] host or a [sink]. */
struct policy_zone {
	enum event_role role; /* CRM, TRUSTED or SINK */
	char *name;
	char *kind;      /* of a sink; "" otherwise */
	char *elsewhere; /* of a sink that is no host, or not only: "device usb"; NULL otherwise */
	uint16_t port;   /* 0: any */
	uint64_t labels; /* classes of a CRM, or the origin bit of a sink that tracks what comes in
			  */
	bool tls;        /* of a CRM: the first turns of a connection are a handshake */
	bool allowed;    /* of a sink: allow-listed, lowers a score and hides nothing */
	char **clients;  /* of a CRM: programs that people use for it, see policy_zone_expects() */
	size_t n_clients;
	bool may_hide; /* of a CRM: its server takes TLS hellos that hide its name (ECH) */
	struct policy_range *ranges;
	size_t n_ranges;
	char **names; /* of a CRM: what is asked for; "*.crm.test" is each name that ends so */
	size_t n_names;
};

/* A folder: an [export] (labels set) or a [trusted] folder (role TRUSTED); those of sinks are only
 * matched. */
struct policy_folder {
	enum event_role role;
	char *name;
	char *path; /* absolute, one existing match of the section's glob */
	uint64_t labels;
};

/* An executable: a [client] (labels set) or a [hub]. */
struct policy_executable {
	char *name;
	char *path;
	bool is_hub;
	bool is_input_method; /* a hub for what all type: it hands no selection on */
	uint64_t labels;
};

enum policy_record_kind {
	POLICY_RECORD_PATTERN = 0,
	POLICY_RECORD_MOBILE,      /* a mobile number of China, with or without +86 */
	POLICY_RECORD_RESIDENT_ID, /* GB 11643: 18 places, the last by ISO 7064 MOD 11-2 */
	POLICY_RECORD_EMAIL,
	POLICY_RECORD_BANK_CARD, /* 15 to 19 digits, the last by Luhn */
};

#define POLICY_MAX_RECORDS 16
#define POLICY_RECORD_MAX_PATTERN_BYTES 127

/* Built-in values of [detect "dns_tunnel"], which agent and collector go by. */
#define POLICY_DNS_TUNNEL_NAMES 50
#define POLICY_DNS_TUNNEL_BYTES 20
#define POLICY_DNS_TUNNEL_HOURS 24

/* What a customer's record is recognised by. */
struct policy_record {
	char *name;
	enum policy_record_kind kind;
	char *pattern; /* of kind PATTERN, see policy_shape.h; "" otherwise */
	char *title;   /* "" when not given and the kind has none; likewise below */
	char *title_zh;
	uint64_t labels; /* classes that such a record belongs to */
};

struct policy_problem {
	char *file;
	unsigned int line; /* 0: the file as a whole */
	char *message;     /* what is wrong and what would be right */
};

struct policy_problems {
	struct policy_problem *items;
	size_t n_items;
};

/* What matched an address or a path; name and kind live as long as the policy. */
struct policy_match {
	enum event_role role;
	const char *name; /* NULL: no section matched */
	const char *kind; /* NULL: no sink of the policy */
	uint64_t labels;
	bool tls;
	bool allowed;
};

/*
 * Loads FILE and, beside it, policy.d/ *.conf in name order (a later value
 * replaces an earlier one). Returns 0; -EINVAL when problems were found (they
 * are in ret_problems, at least one); -ENOENT, -EACCES, ... when FILE cannot be
 * read (also put into ret_problems); -ENOMEM.
 */
int policy_load(const char *path, struct policy **ret_policy, struct policy_problems *ret_problems);
void policy_free(struct policy *policy);

void policy_problems_done(struct policy_problems *problems);
/* One line per problem: "FILE:LINE: message". */
void policy_problems_print(const struct policy_problems *problems, FILE *stream);

/* Looks host names up and folder globs over again (policy_load has done it once). Returns 1 when a
 * range or folder changed, 0 when not, -ENOMEM; a name that does not resolve keeps what it had.
 * *ret_unresolved (may be NULL) counts such names. Ends what policy_zones and policy_folders gave.
 */
int policy_resolve(struct policy *policy, unsigned int *ret_unresolved);

size_t policy_classes(const struct policy *policy, const struct policy_class **ret_classes);
size_t policy_zones(const struct policy *policy, const struct policy_zone **ret_zones);
size_t policy_folders(const struct policy *policy, const struct policy_folder **ret_folders);
size_t policy_executables(const struct policy *policy,
			  const struct policy_executable **ret_executables);

/* Whether a program is one that the CRM is expected to be used with: by its path, by its name, or
 * by the SHA-256 of its file (lower-case hex, may be NULL). True when the policy names none. */
bool policy_zone_expects(const struct policy_zone *zone, const char *exe, const char *exe_sha256);

/* Whether a program is a browser, by the path of a [browser] or a built-in one. */
bool policy_is_browser(const struct policy *policy, const char *exe);

/* At most POLICY_MAX_RECORDS, in the order of the policy. */
size_t policy_records(const struct policy *policy, const struct policy_record **ret_records);
/* NULL when the policy has none of that name. */
const struct policy_record *policy_record_by_name(const struct policy *policy, const char *name);

/* Longest prefix wins, then an exact port before any port. No match: loopback and
 * unspecified addresses are EVENT_ROLE_LOCAL, everything else EVENT_ROLE_SINK without a name. */
struct policy_match policy_match_address(const struct policy *policy,
					 const struct in6_addr *address, uint16_t port);

/* A peer whose connection was looked at: the sensor knows whether it is a CRM's. */
struct policy_peer {
	const struct in6_addr *address;
	uint16_t port;
	bool is_crm;
	bool may_say;     /* TCP: one that is not the CRM's has said another name */
	const char *host; /* that it said; NULL: none, or not known */
};

/* As by address; but which CRM it is, and whether it is one, is said by name where the policy has
 * the address by name only. */
struct policy_match policy_match_peer(const struct policy *policy, const struct policy_peer *peer);
/* A host as a mount names it, by address or by the very name in the policy; NONE when no section
 * has it. */
struct policy_match policy_match_host(const struct policy *policy, const char *host);
/*
 * A disk, a share or a printer, by what it is: kind as in [sink] device ("usb", "nfs", ...; "" for
 * a disk that is built in), serial and uuid may be NULL. SINK when a [sink] names it, or when it is
 * of a kind that is outside without being named; NONE otherwise. name is the section's.
 */
struct policy_match policy_match_device(const struct policy *policy, const char *kind,
					const char *serial, const char *uuid);
/* Whether it can be carried away: a disk, a card, a phone. */
bool policy_kind_is_removable(const char *kind);
/* EXPORT, TRUSTED, SINK or NONE for a file path, by the policy's folders. */
struct policy_match policy_match_path(const struct policy *policy, const char *path);

/* Bits of all classes; the remaining bits are origins of sinks. */
uint64_t policy_class_mask(const struct policy *policy);
const struct policy_class *policy_class_by_name(const struct policy *policy, const char *name);
/* Adds class names and origin names of a label mask to an event. 0 or -ENOMEM. */
int policy_describe_labels(const struct policy *policy, uint64_t labels, struct event *event);

/* [people] */
bool policy_is_staff(const struct policy *policy, uint32_t login_uid);
const char *policy_accounts_file(const struct policy *policy);      /* NULL: none */
const char *policy_pseudonym_key_file(const struct policy *policy); /* NULL: the store makes one */

/* [sensor]: how labels go on. */
struct policy_sensor {
	uint32_t max_hops;            /* no app takes a label that has come further */
	uint32_t arguments_min_bytes; /* shorter arguments pass no class on; 0: none do */
};

const struct policy_sensor *policy_sensor(const struct policy *policy);

/* [detect "id"]: a weight or threshold with its built-in default. */
bool policy_detect_enabled(const struct policy *policy, const char *detector);
int64_t policy_detect_value(const struct policy *policy, const char *detector, const char *key,
			    int64_t fallback);

/* SHA-256 in lower-case hex over everything that was read. */
const char *policy_fingerprint(const struct policy *policy);

static inline void policy_freep(struct policy **policy)
{
	policy_free(*policy);
}

#endif
