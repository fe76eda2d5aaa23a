/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_EVENT_EVENT_CODEC_H
#define WEIR_EVENT_EVENT_CODEC_H

/* One event to and from the protobuf message of proto/event.proto. Decoding is bounds-checked and
 * fuzzed. */

#include <stddef.h>
#include <stdint.h>

struct event;

/* Returns 0 or -ENOMEM; the caller frees *ret_data. */
int event_encode(const struct event *event, uint8_t **ret_data, size_t *ret_size);

/* Returns 0, -EBADMSG for bytes that are no event, or -ENOMEM. The caller owns *ret_event. */
int event_decode(const uint8_t *data, size_t size, struct event **ret_event);

#endif
