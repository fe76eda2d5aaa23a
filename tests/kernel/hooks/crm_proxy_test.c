/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CRM behind a proxy or a CDN, which the policy gives as a way to it: a connection is the CRM's
 * when it asks for it. An answer is read after each story's words: who read the CRM's is labelled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/client.h"
#include "kernel/coverage.h"
#include "kernel/hello.h"
#include "kernel/letter.h"

#define CRM "crm-name.test"
#define OTHER "shop.test"
#define PORT CLIENT_SERVER_PORT
#define PROXY "127.0.0.3"
#define CDN "127.0.0.4"
#define SECTION "[crm \"named\"]\nhost = " CRM ", *.tenants.test\nport = 443\nclass = customer\n"
#define VIA "via = " PROXY ":18444, " CDN "/32\n"

static void given_policy(const struct scene *scene, const char *keys)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s", SECTION, keys);
	kernel_fixture_kill_sensor(scene->fixture);
	kernel_fixture_change_policy(scene->fixture, text, "customer");
	kernel_fixture_restart_sensor(scene->fixture);
}

/* Of what went to the server so far. */
static uint64_t sum_bytes_to_crm(const struct scene *scene)
{
	const struct sensor_flow *flows;
	uint64_t bytes = 0;
	size_t n;

	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++)
		if (flows[i].port == PORT && flows[i].is_out && flows[i].is_crm)
			bytes += flows[i].bytes;
	return bytes;
}

/* Its own answer is no answer of the CRM's, and so no turn. */
static void a_proxy_that_is_asked_for_the_crm_is_the_crm(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_policy(scene, VIA);
	fd = client_connect(scene, PROXY);
	client_say(scene, fd, "CONNECT " CRM ":443 HTTP/1.1\r\nHost: " CRM ":443\r\n\r\n");
	client_read_answer(scene, fd);
	assert_true(client_is_labelled(scene));
	client_say_hello(scene, fd, CRM);
	client_read_answer(scene, fd);
	assert_int_equal(kernel_fixture_sum(scene->fixture, false, 0, PORT).turns, 1);
	coverage_note("CRM behind a proxy, by HTTP CONNECT", COVERAGE_EXACT);
}

static void a_proxy_that_is_asked_for_anything_else_is_nothing(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_policy(scene, VIA);
	fd = client_connect(scene, PROXY);
	client_say(scene, fd, "CONNECT " OTHER ":443 HTTP/1.1\r\nHost: " OTHER ":443\r\n\r\n");
	client_read_answer(scene, fd);
	client_say_hello(scene, fd, OTHER);
	client_read_answer(scene, fd);
	assert_false(client_is_labelled(scene));
	assert_int_equal(kernel_fixture_count_flows(scene->fixture), 0);
}

/* Also what SOCKS proxies carry. */
static void the_hello_behind_an_address_names_the_crm(void **state)
{
	int fd;

	given_policy(*state, VIA);
	fd = client_connect(*state, PROXY);
	client_say(*state, fd, "CONNECT 10.77.0.10:443 HTTP/1.1\r\nHost: 10.77.0.10\r\n\r\n");
	client_read_answer(*state, fd);
	client_say_hello(*state, fd, CRM);
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
}

/* The proxy was told where to: whom the hello is for in there is the other side's to say. */
static void a_hello_behind_another_hosts_name_is_not_the_crms(void **state)
{
	const struct scene *scene = *state;
	uint64_t told;
	int fd;

	given_policy(scene, VIA);
	scene_read_source(scene, CLERK);
	fd = client_connect(scene, PROXY);
	client_say(scene, fd, "CONNECT " OTHER ":443 HTTP/1.1\r\nHost: " CRM ":443\r\n\r\n");
	client_read_answer(scene, fd);
	client_say_hello(scene, fd, CRM);
	client_read_answer(scene, fd);
	told = kernel_fixture_sum(scene->fixture, true, 0, PORT).bytes;
	client_say(scene, fd, "\x17\x03\x03 and the rows");
	assert_int_equal(kernel_fixture_sum(scene->fixture, true, 0, PORT).bytes, told + 16);
	assert_int_equal(sum_bytes_to_crm(scene), 0);
	coverage_note("CRM's TLS hello behind an HTTP CONNECT to another name", COVERAGE_EXACT);
}

/* Nobody can tell whether that is the CRM's address. */
static void a_hello_behind_another_hosts_address_passes_for_the_crms(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_policy(scene, VIA);
	scene_read_source(scene, CLERK);
	fd = client_connect(scene, PROXY);
	client_say(scene, fd, "CONNECT [2001:db8::6]:443 HTTP/1.1\r\nHost: x\r\n\r\n");
	client_read_answer(scene, fd);
	client_say_hello(scene, fd, CRM);
	client_say(scene, fd, "\x17\x03\x03 and the rows");
	assert_true(sum_bytes_to_crm(scene) > 0);
	coverage_note("CRM's TLS hello behind an HTTP CONNECT to an address", COVERAGE_GAP);
}

/* One connection to a proxy, kept for all that is asked in the clear. */
static void each_request_to_a_proxy_says_anew_what_it_is_for(void **state)
{
	const struct scene *scene = *state;
	struct kernel_totals in;
	int fd;

	given_policy(scene, VIA);
	fd = client_connect(scene, PROXY);
	client_say(scene, fd, "GET http://" OTHER "/ HTTP/1.1\r\nHost: " OTHER "\r\n\r\n");
	client_read_answer(scene, fd);
	assert_false(client_is_labelled(scene));
	client_say(scene, fd, "GET http://" CRM "/policy/1 HTTP/1.1\r\nHost: " CRM "\r\n\r\n");
	client_read_answer(scene, fd);
	assert_true(client_is_labelled(scene));
	in = kernel_fixture_sum(scene->fixture, false, 0, PORT);
	client_say(scene, fd, "GET http://" OTHER "/ HTTP/1.1\r\nHost: " OTHER "\r\n\r\n");
	client_read_answer(scene, fd);
	assert_int_equal(kernel_fixture_sum(scene->fixture, false, 0, PORT).bytes, in.bytes);
}

/* Whatever else of it has the CRM's name. */
static void a_request_to_a_proxy_is_for_the_host_of_its_target(void **state)
{
	static const char *const requests[] = {
		"POST http://" CRM ":x@" OTHER "/up HTTP/1.1\r\nHost: " CRM "\r\n\r\n",
		"POST https://" OTHER "/up HTTP/1.1\r\nHost: " CRM "\r\n\r\n",
		"POST\thttp://" OTHER "?" CRM " HTTP/1.1\r\nHost: " CRM "\r\n\r\n",
	};
	const struct scene *scene = *state;

	given_policy(scene, VIA);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = client_connect(scene, PROXY);

		client_say(scene, fd, requests[i]);
		client_read_answer(scene, fd);
		assert_false(client_is_labelled(scene));
	}
	coverage_note("CRM behind a proxy, by the target of a request", COVERAGE_EXACT);
}

static void names_that_end_alike_are_the_crms(void **state)
{
	int fd;

	given_policy(*state, VIA);
	fd = client_connect(*state, CDN);
	client_say_hello(*state, fd, "tenants.test");
	client_read_answer(*state, fd);
	assert_false(client_is_labelled(*state));
	fd = client_connect(*state, CDN);
	client_say_hello(*state, fd, "acme.eu.tenants.test");
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
}

/* They are not even opened, and so pay nothing at their next calls. */
static void whoever_talks_to_nobody_in_question_stays_closed(void **state)
{
	const struct scene *scene = *state;

	given_policy(scene, VIA);
	client_say(scene, client_connect(scene, "127.0.0.2"),
		   "GET / HTTP/1.1\r\nHost: " CRM "\r\n\r\n");
	assert_int_equal(kernel_fixture_counts(scene->fixture).hot_apps, 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_proxy_that_is_asked_for_the_crm_is_the_crm),
		STORY(a_proxy_that_is_asked_for_anything_else_is_nothing),
		STORY(the_hello_behind_an_address_names_the_crm),
		STORY(a_hello_behind_another_hosts_name_is_not_the_crms),
		STORY(a_hello_behind_another_hosts_address_passes_for_the_crms),
		STORY(each_request_to_a_proxy_says_anew_what_it_is_for),
		STORY(a_request_to_a_proxy_is_for_the_host_of_its_target),
		STORY(names_that_end_alike_are_the_crms),
		STORY(whoever_talks_to_nobody_in_question_stays_closed),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	return cmocka_run_group_tests(tests, client_start_server, NULL);
}
