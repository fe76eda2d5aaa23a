/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_KERNEL_RECORDS_H
#define WEIR_TESTS_KERNEL_KERNEL_RECORDS_H

/* Records that the sensor tells of, beside what the scanner of files finds in the same text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/sensor/sensor.h"

#define KERNEL_RECORDS_MAX 8192

struct kernel_record {
	uint32_t rule;
	uint64_t fingerprint;
};

struct kernel_records {
	struct kernel_record list[KERNEL_RECORDS_MAX]; /* each once */
	size_t n;
	size_t n_told; /* calls */
	bool is_whole; /* as was told last; likewise below */
	bool is_plain;
	enum sensor_object_kind kind;
	uint64_t bytes;
};

void kernel_records_put(struct kernel_records *records, const struct sensor_flow *flow,
			const struct sensor_records *found);
/* From here on the sensor looks for policy numbers (P20\d{8}), mobile numbers, resident ids, e-mail
 * addresses and bank cards. Stops the test on failure. */
void kernel_records_look(struct sensor *sensor);
/* Stops the test unless they are what the scanner of files finds in the text, by rule and
 * fingerprint, and so many. */
void kernel_records_check(const struct kernel_records *records, const char *text, size_t size,
			  size_t n);

#endif
