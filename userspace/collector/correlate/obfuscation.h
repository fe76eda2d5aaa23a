/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_OBFUSCATION_H
#define WEIR_COLLECTOR_CORRELATE_OBFUSCATION_H

#include <stdbool.h>

struct lineage;

/* Whether a program on the way packed or encrypted what it had read. */
bool obfuscation_is_packed(const struct lineage *lineage);

#endif
