/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_WORKER_H
#define WEIR_AGENT_SCAN_SCAN_WORKER_H

/*
 * The scanner's process: it takes the rules and the key, gives up all else, and
 * then answers each descriptor it is handed with counts and keyed fingerprints.
 * Both sides are the same program, so messages are plain structs.
 */

#include <stdint.h>

#include "agent/scan/scan_text.h"

/* The program is called so to be the scanner; the socket is descriptor 3. */
#define SCAN_WORKER_ARGUMENT "--scan-worker"
#define SCAN_WORKER_FD 3

/* In one answer; a rule with more than what is left of them gives none, and its count only. */
#define SCAN_MAX_FINGERPRINTS 4096

struct scan_hello {
	uint8_t key[SIPHASH_KEY_BYTES];
	uint32_t n_rules;
	struct scan_rule rules[POLICY_MAX_RECORDS];
};

/* With the descriptor of the file beside it. */
struct scan_request {
	uint64_t id;
	uint64_t size; /* as it was when it was opened */
};

struct scan_answer {
	uint64_t id;
	uint64_t rows; /* lines that hold a record */
	uint32_t obstacles;
	uint32_t n_fingerprints;
	uint64_t n_found[POLICY_MAX_RECORDS]; /* different tokens of each rule */
	uint32_t n_given[POLICY_MAX_RECORDS]; /* fingerprints, rule after rule: all or none */
	uint64_t fingerprints[SCAN_MAX_FINGERPRINTS]; /* as their tokens first come in the file */
};

/* Bytes of an answer with so many fingerprints. */
size_t scan_answer_bytes(uint32_t n_fingerprints);

/* The process's whole life. Returns its exit status. */
int scan_worker_run(int socket_fd);

#endif
