/* SPDX-License-Identifier: GPL-2.0-only */

/* How replies come; what is in them: resolved_reply_test.c, and with the real service:
 * tests/scenarios/resolved.sh. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/names/answer.h"
#include "agent/names/resolved.h"

#define REPLY(name)                                                \
	"{\"parameters\":{\"question\":[{\"name\":\"" name "\"}]," \
	"\"answer\":[{\"rr\":{\"address\":[10,77,0,30]}}]}}"
#define LONG_BYTES 300000
#define PATIENCE_US (30 * 1000000ull)

struct desk {
	char folder[32], path[64];
	int listener, service; /* -1: nobody is there */
	sd_event *loop;
	struct resolved *resolved;
	unsigned int n_heard;
	char last[ANSWER_NAME_BYTES];
};

static void hear(void *userdata, const struct answer *answer)
{
	struct desk *desk = userdata;

	desk->n_heard++;
	strcpy(desk->last, answer->name);
}

static void when_the_service_comes(struct desk *desk)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path, desk->path);
	unlink(desk->path);
	desk->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(desk->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(desk->listener, 1), 0);
}

static void when_it_is_asked(struct desk *desk)
{
	static const char wanted[] = "io.systemd.Resolve.Monitor.SubscribeQueryResults";
	char request[512] = "";

	while ((desk->service = accept(desk->listener, NULL, NULL)) < 0)
		assert_true(sd_event_run(desk->loop, PATIENCE_US) > 0);
	assert_true(recv(desk->service, request, sizeof(request), 0) > 0);
	assert_non_null(strstr(request, wanted));
	assert_non_null(strstr(request, "\"more\":true"));
}

static void when_it_says(struct desk *desk, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(desk->service, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
		while (sd_event_run(desk->loop, 0) > 0)
			;
		if (n < 0)
			break; /* nobody listens any more, or not yet */
	}
}

static int given_a_listener(struct desk *desk)
{
	return resolved_new(desk->loop, desk->path, hear, desk, &desk->resolved);
}

static int given_a_desk(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return -1;
	*state = desk;
	desk->listener = desk->service = -1;
	strcpy(desk->folder, "/tmp/weir-resolved-XXXXXX");
	if (!mkdtemp(desk->folder) || sd_event_new(&desk->loop) < 0)
		return -1;
	snprintf(desk->path, sizeof(desk->path), "%s/monitor", desk->folder);
	return 0;
}

static int given_no_service(void **state)
{
	int r = given_a_desk(state);

	return r < 0 ? r : given_a_listener(*state);
}

/* Who comes later is asked at the next look, ten seconds later. */
static int given_a_service(void **state)
{
	int r = given_a_desk(state);

	if (r < 0)
		return r;
	when_the_service_comes(*state);
	return given_a_listener(*state);
}

static int clean_up(void **state)
{
	struct desk *desk = *state;

	resolved_free(desk->resolved);
	sd_event_unref(desk->loop);
	close(desk->listener);
	close(desk->service);
	unlink(desk->path);
	rmdir(desk->folder);
	free(desk);
	return 0;
}

static void a_service_that_comes_later_is_asked(void **state)
{
	struct desk *desk = *state;

	when_the_service_comes(desk);
	when_it_is_asked(desk);
	when_it_says(desk, REPLY("a.test"), sizeof(REPLY("a.test")));
	assert_int_equal(desk->n_heard, 1);
	assert_string_equal(desk->last, "a.test");
}

static void replies_come_in_pieces_and_together(void **state)
{
	static const char two[] = REPLY("b.test") "\0" REPLY("c.test");
	struct resolved_counts counts;
	struct desk *desk = *state;

	when_it_is_asked(desk);
	when_it_says(desk, two, sizeof(two));
	assert_int_equal(desk->n_heard, 2);
	for (size_t i = 0; i < sizeof(REPLY("d.test")); i++)
		when_it_says(desk, &REPLY("d.test")[i], 1);
	assert_int_equal(desk->n_heard, 3);
	assert_string_equal(desk->last, "d.test");
	resolved_count(desk->resolved, &counts);
	assert_int_equal(counts.replies, 3);
	assert_int_equal(counts.taken, 3);
}

static void what_is_damaged_or_too_long_is_counted(void **state)
{
	static char nonsense[LONG_BYTES];
	struct resolved_counts counts;
	struct desk *desk = *state;

	when_it_is_asked(desk);
	when_it_says(desk, "{]", sizeof("{]"));
	memset(nonsense, 'x', sizeof(nonsense));
	when_it_says(desk, nonsense, sizeof(nonsense));
	resolved_count(desk->resolved, &counts);
	assert_int_equal(counts.replies, 2);
	assert_int_equal(counts.refused, 2);
	assert_int_equal(desk->n_heard, 0);
}

static void a_service_that_was_restarted_is_asked_again(void **state)
{
	struct desk *desk = *state;

	when_it_is_asked(desk);
	close(desk->service);
	close(desk->listener);
	when_the_service_comes(desk);
	when_it_is_asked(desk);
	when_it_says(desk, REPLY("e.test"), sizeof(REPLY("e.test")));
	assert_string_equal(desk->last, "e.test");
}

#define STORY(given, name) cmocka_unit_test_setup_teardown(name, given, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(given_no_service, a_service_that_comes_later_is_asked),
		STORY(given_a_service, replies_come_in_pieces_and_together),
		STORY(given_a_service, what_is_damaged_or_too_long_is_counted),
		STORY(given_a_service, a_service_that_was_restarted_is_asked_again),
	};

	return cmocka_run_group_tests_name("systemd-resolved", tests, NULL, NULL);
}
