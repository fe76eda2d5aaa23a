/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/selection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PRIMARY 1
#define EVENT_BYTES 32
#define EVENT_CODE 0x7f /* the last bit says that a client has sent it */

enum event {
	EVENT_SELECTION_REQUEST = 30,
	EVENT_SELECTION_NOTIFY = 31,
	EVENT_EXTENSION = 64, /* the first of those: nobody here asks for others than of XFixes */
};

static void put_words(uint8_t *bytes, const uint32_t *words, size_t n)
{
	memcpy(bytes, words, n * sizeof(*words));
}

static uint32_t word_at(const uint8_t *bytes, size_t at)
{
	uint32_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static void read_event(const struct display_client *client, bool is_extension, uint8_t code,
		       uint8_t ret_event[EVENT_BYTES])
{
	bool is_it;

	do {
		display_read(client, ret_event, EVENT_BYTES);
		assert_int_not_equal(ret_event[0], 0);
		ret_event[0] &= EVENT_CODE;
		is_it = is_extension ? ret_event[0] >= EVENT_EXTENSION : ret_event[0] == code;
	} while (!is_it);
}

/* XFixesQueryVersion, without which the server takes no other, XFixesSelectSelectionInput. */
void selection_watch(struct display_client *client)
{
	uint8_t version[12] = {0, 0, 3}, input[16] = {0, 2, 4}, answer[EVENT_BYTES];

	version[0] = input[0] = display_find_extension(client, "XFIXES");
	assert_int_not_equal(input[0], 0);
	put_words(version + 4, (const uint32_t[]){5, 0}, 2);
	put_words(input + 4, (const uint32_t[]){client->window, PRIMARY, 1}, 3);
	display_add_bytes(client, version, sizeof(version));
	display_send(client);
	display_read(client, answer, sizeof(answer));
	assert_int_equal(answer[0], 1);
	display_add_bytes(client, input, sizeof(input));
	display_wait(client);
}

/* XFixesSelectionNotify */
uint32_t selection_wait_for_owner(struct display_client *client)
{
	uint8_t event[EVENT_BYTES];

	read_event(client, true, 0, event);
	assert_int_equal(word_at(event, 12), PRIMARY);
	return word_at(event, 8);
}

/* ConvertSelection */
static void ask(struct display_client *client)
{
	uint8_t request[24] = {24, 0, 6};

	put_words(request + 4,
		  (const uint32_t[]){client->window, PRIMARY, DISPLAY_STRING, DISPLAY_PROPERTY}, 4);
	display_add_bytes(client, request, sizeof(request));
	display_send(client);
}

/* ChangeProperty of who asks, and SendEvent of SelectionNotify to it. */
static void hand_over(struct display_client *owner, size_t bytes)
{
	uint8_t event[EVENT_BYTES], request[12 + EVENT_BYTES] = {25, 0, 11};
	uint32_t requestor;

	read_event(owner, false, EVENT_SELECTION_REQUEST, event);
	assert_int_equal(word_at(event, 8), owner->window);
	requestor = word_at(event, 12);
	put_words(request + 4, &requestor, 1);
	request[12] = EVENT_SELECTION_NOTIFY;
	memcpy(request + 16, event + 4, 4);   /* when */
	memcpy(request + 20, event + 12, 16); /* for whom, of what, as what, where */
	display_add_put(owner, requestor, DISPLAY_REPLACE, bytes);
	display_add_bytes(owner, request, sizeof(request));
	display_send(owner);
}

void selection_pass(struct display_client *owner, struct display_client *client, size_t bytes)
{
	uint8_t event[EVENT_BYTES];

	ask(client);
	hand_over(owner, bytes);
	read_event(client, false, EVENT_SELECTION_NOTIFY, event);
	assert_int_equal(word_at(event, 20), DISPLAY_PROPERTY);
	display_add_get(client, client->window, true, (uint32_t)bytes);
	display_send(client);
	assert_int_equal(display_read_answer(client), bytes);
}
