/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes decode to an event or are refused; what decodes must survive a second trip unchanged.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "event/event_codec.h"
#include "event/event_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(event_freep) struct event *event = NULL;
	_cleanup_(event_freep) struct event *again = NULL;
	_cleanup_free_ uint8_t *first = NULL;
	_cleanup_free_ uint8_t *second = NULL;
	size_t first_size, second_size;
	json_t *json;

	if (event_decode(data, size, &event) < 0)
		return 0;
	require(event_encode(event, &first, &first_size) == 0);
	require(event_decode(first, first_size, &again) == 0);
	require(event_encode(again, &second, &second_size) == 0);
	require(first_size == second_size && memcmp(first, second, first_size) == 0);
	json = event_to_json(event, NULL, 0, 0);
	require(json != NULL);
	json_decref(json);
	return 0;
}
