/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_SIPHASH_H
#define WEIR_BASE_SIPHASH_H

/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): a keyed 64-bit fingerprint. Without the
 * key neither the text nor whether two texts are the same can be told from it.
 */

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t size);

#endif
