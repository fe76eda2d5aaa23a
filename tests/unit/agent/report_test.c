/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * By which of the names that a connection was given an event calls its peer. What the sensor saw
 * the sender write comes with the flow; what was heard of anybody is in the table of greetings. And
 * by which clock it tells when things were.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/enrich/greeted.h"
#include "agent/enrich/quic_names.h"
#include "agent/names/host_names.h"
#include "agent/report.h"
#include "agent/sensor/sensor.h"
#include "base/cleanup.h"
#include "event/event.h"
#include "support/policy_fixture.h"

struct desk {
	void *policy; /* struct policy_fixture */
	struct greeted *greeted;
	struct quic_names *quic;
	struct host_names *hosts;
};

static const char policy_text[] = "[class \"a\"]\n[crm \"crm\"]\nhost = 10.0.0.1\nclass = a\n";

static const struct greeted_connection connection = {IN6ADDR_LOOPBACK_INIT, 443, 1};

static bool find_greeted(void *userdata, const struct sensor_flow *flow,
			 struct greeted_name *ret_name)
{
	const struct greeted_connection asked = {flow->peer, flow->port, flow->local_port};
	const struct greeted_name *name = greeted_find(userdata, &asked);

	if (name)
		*ret_name = *name;
	return name;
}

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	if (policy_fixture_setup(&desk->policy) < 0 || greeted_new(8, &desk->greeted) < 0 ||
	    quic_names_new(8, &desk->quic) < 0 || host_names_new("/dev/null", &desk->hosts) < 0)
		return -1;
	policy_fixture_load(desk->policy, policy_text);
	policy_fixture_assert_loaded(desk->policy);
	*state = desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;

	host_names_free(desk->hosts);
	quic_names_free(desk->quic);
	greeted_free(desk->greeted);
	policy_fixture_teardown(&desk->policy);
	free(desk);
	return 0;
}

static void when_heard(const struct desk *desk, enum event_host_source source, const char *host)
{
	const struct greeted_name name = {source, host};

	assert_int_equal(greeted_name(desk->greeted, &connection, &name), 0);
}

static void assert_called(const struct desk *desk, enum sensor_host_source source, const char *host,
			  enum event_host_source wanted_source, const char *wanted)
{
	const struct policy_fixture *fixture = desk->policy;
	const struct report_context context = {.policy = fixture->policy,
					       .hosts = desk->hosts,
					       .quic = desk->quic,
					       .find_greeted = find_greeted,
					       .greeted_userdata = desk->greeted,
					       .boot_id = "1"};
	const struct sensor_flow flow = {.object.kind = SENSOR_OBJECT_INET,
					 .is_out = true,
					 .peer = connection.peer,
					 .port = connection.port,
					 .local_port = connection.local_port,
					 .protocol = IPPROTO_TCP,
					 .path = "",
					 .host_source = source,
					 .host = host};
	_cleanup_(event_freep) struct event *event = NULL;

	assert_int_equal(report_flow(&context, &flow, NULL, &event), 0);
	assert_int_equal(event->object.host_source, wanted_source);
	assert_string_equal(event->object.host, wanted);
}

static struct event *when_reported(const struct desk *desk, const struct sensor_flow *flow)
{
	const struct policy_fixture *fixture = desk->policy;
	const struct report_context context = {.policy = fixture->policy,
					       .boot_id = "1",
					       .boot_offset_ns = 1000,
					       .first_offset_ns = 2000};
	struct event *event = NULL;

	assert_int_equal(report_flow(&context, flow, NULL, &event), 0);
	return event;
}

/* A change of the wall clock moves both ends of what a report adds, and not who the flow is. */
static void both_ends_of_what_a_report_adds_are_by_one_clock(void **state)
{
	struct sensor_flow flow = {.object.kind = SENSOR_OBJECT_PIPE,
				   .path = "",
				   .host = "",
				   .calls = 9,
				   .first_ns = 10,
				   .last_ns = 30,
				   .since_ns = 20,
				   .since_calls = 8};
	_cleanup_(event_freep) struct event *event = when_reported(*state, &flow);

	assert_int_equal(event->since_ns, 1020);
	assert_int_equal(event->time_ns, 1030);
	assert_int_equal(event->since_calls, 8);
	assert_int_equal(event->flow_first_ns, 2010);
	flow.since_ns = flow.since_calls = 0;
	_cleanup_(event_freep) struct event *first = when_reported(*state, &flow);
	assert_int_equal(first->since_ns, 0);
}

static void the_hello_in_a_tunnel_goes_before_what_the_proxy_was_told(void **state)
{
	when_heard(*state, EVENT_HOST_CONNECT, "203.0.113.5");
	when_heard(*state, EVENT_HOST_TLS, "pan.test");
	assert_called(*state, SENSOR_HOST_CONNECT, "203.0.113.5", EVENT_HOST_TLS, "pan.test");
	assert_called(*state, SENSOR_HOST_HTTP, "proxy.test", EVENT_HOST_TLS, "pan.test");
	assert_called(*state, SENSOR_HOST_NONE, "", EVENT_HOST_TLS, "pan.test");
}

/* It is where the proxy goes; the hello is the other side's to read, and may name anybody. */
static void a_proxy_that_was_told_a_name_leads_there(void **state)
{
	when_heard(*state, EVENT_HOST_TLS, "crm.test");
	assert_called(*state, SENSOR_HOST_CONNECT, "evil.test", EVENT_HOST_CONNECT, "evil.test");
	assert_called(*state, SENSOR_HOST_CONNECT, "2001:db8::5", EVENT_HOST_TLS, "crm.test");
}

static void a_front_does_not_go_before_what_the_proxy_was_told(void **state)
{
	when_heard(*state, EVENT_HOST_TLS_FRONT, "front.test");
	assert_called(*state, SENSOR_HOST_CONNECT, "pan.test", EVENT_HOST_CONNECT, "pan.test");
}

/* The sensor saw the first of its writes only. */
static void a_hello_that_hides_another_further_behind_may_be_a_front(void **state)
{
	when_heard(*state, EVENT_HOST_TLS_FRONT, "front.test");
	assert_called(*state, SENSOR_HOST_TLS, "front.test", EVENT_HOST_TLS_FRONT, "front.test");
	assert_called(*state, SENSOR_HOST_TLS, "other.test", EVENT_HOST_TLS, "other.test");
}

static void what_the_sender_wrote_goes_before_what_was_heard(void **state)
{
	when_heard(*state, EVENT_HOST_TLS, "heard.test");
	assert_called(*state, SENSOR_HOST_TLS, "pan.test", EVENT_HOST_TLS, "pan.test");
	assert_called(*state, SENSOR_HOST_TLS_FRONT, "front.test", EVENT_HOST_TLS_FRONT,
		      "front.test");
}

static void a_request_of_the_sender_goes_before_one_that_was_heard(void **state)
{
	when_heard(*state, EVENT_HOST_HTTP, "heard.test");
	assert_called(*state, SENSOR_HOST_HTTP, "pan.test", EVENT_HOST_HTTP, "pan.test");
	assert_called(*state, SENSOR_HOST_CONNECT, "pan.test", EVENT_HOST_CONNECT, "pan.test");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ends_of_what_a_report_adds_are_by_one_clock),
		TEST(the_hello_in_a_tunnel_goes_before_what_the_proxy_was_told),
		TEST(a_front_does_not_go_before_what_the_proxy_was_told),
		TEST(a_proxy_that_was_told_a_name_leads_there),
		TEST(a_hello_that_hides_another_further_behind_may_be_a_front),
		TEST(what_the_sender_wrote_goes_before_what_was_heard),
		TEST(a_request_of_the_sender_goes_before_one_that_was_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
