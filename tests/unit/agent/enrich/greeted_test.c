/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/enrich/greeted.h"

#define ROOM 3

static int set_up(void **state)
{
	struct greeted *greeted;

	if (greeted_new(ROOM, &greeted) < 0)
		return -1;
	*state = greeted;
	return 0;
}

static int tear_down(void **state)
{
	greeted_free(*state);
	return 0;
}

static struct greeted_connection connection_of(uint16_t local_port)
{
	return (struct greeted_connection){
		.peer = in6addr_loopback, .port = 443, .local_port = local_port};
}

static void when_named(struct greeted *greeted, uint16_t local_port, enum event_host_source source,
		       const char *host)
{
	struct greeted_connection connection = connection_of(local_port);
	struct greeted_name name = {source, host};

	assert_int_equal(greeted_name(greeted, &connection, &name), 0);
}

static void assert_named(struct greeted *greeted, uint16_t local_port,
			 enum event_host_source source, const char *host)
{
	struct greeted_connection connection = connection_of(local_port);
	const struct greeted_name *name = greeted_find(greeted, &connection);

	assert_non_null(name);
	assert_string_equal(name->host, host);
	assert_int_equal(name->source, source);
}

static void assert_nameless(struct greeted *greeted, uint16_t local_port)
{
	struct greeted_connection connection = connection_of(local_port);

	assert_null(greeted_find(greeted, &connection));
}

static void assert_counts(const struct greeted *greeted, uint64_t known, uint64_t forgotten)
{
	struct greeted_counts counts;

	greeted_count(greeted, &counts);
	assert_int_equal(counts.known, known);
	assert_int_equal(counts.forgotten, forgotten);
}

static void a_connection_has_its_own_name(void **state)
{
	when_named(*state, 1, EVENT_HOST_TLS, "pan.test");
	when_named(*state, 2, EVENT_HOST_HTTP, "shop.test");
	assert_named(*state, 1, EVENT_HOST_TLS, "pan.test");
	assert_named(*state, 2, EVENT_HOST_HTTP, "shop.test");
	assert_nameless(*state, 3);
	assert_counts(*state, 2, 0);
}

static void every_number_of_a_connection_counts(void **state)
{
	struct greeted_connection other = connection_of(1);

	when_named(*state, 1, EVENT_HOST_TLS, "pan.test");
	other.port = 80;
	assert_null(greeted_find(*state, &other));
	other = connection_of(1);
	other.peer.s6_addr[0] = 1;
	assert_null(greeted_find(*state, &other));
}

static void the_first_name_stays_unless_tls_says_another(void **state)
{
	when_named(*state, 1, EVENT_HOST_TLS, "first.test");
	when_named(*state, 1, EVENT_HOST_TLS, "second.test");
	assert_named(*state, 1, EVENT_HOST_TLS, "first.test");
	when_named(*state, 2, EVENT_HOST_CONNECT, "203.0.113.5");
	when_named(*state, 2, EVENT_HOST_TLS_FRONT, "front.test");
	assert_named(*state, 2, EVENT_HOST_CONNECT, "203.0.113.5");
	when_named(*state, 2, EVENT_HOST_TLS, "said.test");
	assert_named(*state, 2, EVENT_HOST_TLS, "said.test");
	when_named(*state, 2, EVENT_HOST_HTTP, "later.test");
	assert_named(*state, 2, EVENT_HOST_TLS, "said.test");
	assert_counts(*state, 2, 0);
}

/* A proxy is asked for this and that on one connection. Whoever asks for the name sends something
 * labelled since the last of it; what is asked for later is another's, too. */
static void of_requests_the_last_before_the_name_is_asked_for_stays(void **state)
{
	when_named(*state, 1, EVENT_HOST_HTTP, "news.test");
	when_named(*state, 1, EVENT_HOST_HTTP, "drop.test");
	assert_named(*state, 1, EVENT_HOST_HTTP, "drop.test");
	when_named(*state, 1, EVENT_HOST_HTTP, "weather.test");
	assert_named(*state, 1, EVENT_HOST_HTTP, "drop.test");
	when_named(*state, 1, EVENT_HOST_TLS, "said.test");
	assert_named(*state, 1, EVENT_HOST_TLS, "said.test");
	assert_counts(*state, 1, 0);
}

static void a_new_connection_under_the_same_numbers_has_no_name_yet(void **state)
{
	struct greeted_connection connection = connection_of(1);

	when_named(*state, 1, EVENT_HOST_TLS, "pan.test");
	greeted_forget(*state, &connection);
	assert_nameless(*state, 1);
	greeted_forget(*state, &connection);
	assert_counts(*state, 0, 0);
}

static void the_oldest_goes_when_there_is_no_room_and_is_counted(void **state)
{
	for (uint16_t port = 1; port <= ROOM + 1; port++)
		when_named(*state, port, EVENT_HOST_TLS, "pan.test");
	assert_nameless(*state, 1);
	assert_named(*state, 2, EVENT_HOST_TLS, "pan.test");
	assert_named(*state, ROOM + 1, EVENT_HOST_TLS, "pan.test");
	assert_counts(*state, ROOM, 1);
}

static void who_is_asked_for_is_not_old(void **state)
{
	for (uint16_t port = 1; port <= ROOM; port++)
		when_named(*state, port, EVENT_HOST_TLS, "pan.test");
	assert_named(*state, 1, EVENT_HOST_TLS, "pan.test");
	when_named(*state, ROOM + 1, EVENT_HOST_TLS, "pan.test");
	assert_named(*state, 1, EVENT_HOST_TLS, "pan.test");
	assert_nameless(*state, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_has_its_own_name),
		TEST(every_number_of_a_connection_counts),
		TEST(the_first_name_stays_unless_tls_says_another),
		TEST(of_requests_the_last_before_the_name_is_asked_for_stays),
		TEST(a_new_connection_under_the_same_numbers_has_no_name_yet),
		TEST(the_oldest_goes_when_there_is_no_room_and_is_counted),
		TEST(who_is_asked_for_is_not_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
