/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_encoded.h"

#define LONG_BYTES 76
#define LINE_BYTES 60

enum {
	LETTER = 1,
	DIGIT = 2,
	MARK = 4,
};

static const uint8_t code[256] = {
	['0' ... '9'] = DIGIT, ['A' ... 'Z'] = LETTER, ['a' ... 'z'] = LETTER,
	['+'] = MARK,          ['/'] = MARK,
};

/* Data has letters and digits at that length; rows of marks and of one letter have not. */
static bool is_mixed(const struct scan_encoded *encoded)
{
	return (encoded->seen & LETTER) && (encoded->seen & DIGIT);
}

static void end_run(struct scan_encoded *encoded, uint8_t byte)
{
	bool is_line = encoded->n_run >= LINE_BYTES && is_mixed(encoded);
	bool is_between = encoded->n_run == 0 && encoded->is_return && byte == '\n';

	encoded->is_found |= is_line && (encoded->n_run >= LONG_BYTES || encoded->follows);
	encoded->follows =
		is_between ? encoded->follows : is_line && (byte == '\n' || byte == '\r');
	encoded->is_return = byte == '\r';
	encoded->n_run = 0;
	encoded->seen = 0;
}

void scan_encoded_feed(struct scan_encoded *encoded, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t kind = code[data[i]];

		if (!kind) {
			end_run(encoded, data[i]);
			continue;
		}
		encoded->n_run++;
		encoded->seen |= kind;
	}
}

void scan_encoded_end(struct scan_encoded *encoded)
{
	end_run(encoded, 0);
}
