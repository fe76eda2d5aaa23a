/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_KEY_H
#define WEIR_AGENT_SCAN_SCAN_KEY_H

/*
 * The fleet's key of record fingerprints: a file that agents hold and no collector
 * has. Agents whose files are the same see that two lists are the same.
 */

#include <stdint.h>

#include "base/siphash.h"

/* Reads the key, or makes one where there is no file. Returns 0, or -errno with a sentence in
 * *ret_problem that the caller frees: also when others can read the file. */
int scan_key_load(const char *path, uint8_t ret_key[SIPHASH_KEY_BYTES], char **ret_problem);

#endif
