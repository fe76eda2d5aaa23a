/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/transport_fixture.h"

#define PATIENCE_MS 20000

struct world {
	sd_event *event;
	char *dir;
	struct transport_collector collector;
	struct transport_agent agent;
};

static void given_collector(struct world *world, const struct ingest_config *config)
{
	transport_collector_start(&world->collector, world->event, world->dir, world->dir, 0,
				  config);
}

static void given_agent(struct world *world, const struct identity_files *identity,
			const char *collector_name)
{
	transport_agent_start(&world->agent, world->event, world->dir, world->dir,
			      ingest_port(world->collector.ingest), identity, collector_name);
}

static void then_it_ends(struct world *world)
{
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

struct refusal {
	const char *agent_says, *collector_says;
};

static void then_both_ends_say_why(struct world *world, const struct refusal *refusal)
{
	transport_append_events(world->agent.spool, 10);
	transport_run_until(world->event, transport_agent_waits, &world->agent, PATIENCE_MS);
	transport_run_for(world->event, 100);
	assert_contains(uplink_reason(world->agent.uplink), refusal->agent_says);
	assert_contains(world->collector.notes, refusal->collector_says);
	assert_true(transport_collector_counts(&world->collector).refused > 0);
	assert_int_equal(world->collector.calls, 0);
	then_it_ends(world);
}

static void an_agent_of_another_authority_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	_cleanup_free_ char *other = NULL;

	assert_true(asprintf(&other, "%s/other", world->dir) > 0);
	assert_int_equal(identity_ensure(other, TRANSPORT_AGENT), 0);
	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, other, "agent");
	given_agent(world, &identity, NULL);
	then_both_ends_say_why(
		world, &(struct refusal){"the collector refused us: our certificate",
					 "the agent's certificate is of another authority"});
}

static void a_collector_of_another_authority_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	_cleanup_free_ char *other = NULL;

	assert_true(asprintf(&other, "%s/other", world->dir) > 0);
	assert_int_equal(identity_ensure(other, TRANSPORT_AGENT), 0);
	given_collector(world, NULL);
	identity = transport_identity(&paths, other, other, "agent");
	given_agent(world, &identity, NULL);
	then_both_ends_say_why(
		world, &(struct refusal){"the collector's certificate is of another authority",
					 "the agent refused us: our certificate"});
}

static void a_collector_of_another_name_is_refused(void **state)
{
	struct world *world = *state;

	given_collector(world, NULL);
	given_agent(world, NULL, "collector-2");
	then_both_ends_say_why(
		world,
		&(struct refusal){"the collector's certificate is not for the name \"collector-2\"",
				  "the agent refused us: our certificate"});
}

static void an_agent_of_another_name_is_refused(void **state)
{
	const struct identity_request request = {
		.file = "other", .name = "desk-2", .role = IDENTITY_AGENT};
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;

	assert_int_equal(identity_issue(world->dir, &request), 0);
	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "other");
	given_agent(world, &identity, NULL);
	then_both_ends_say_why(
		world, &(struct refusal){"the agent's name is not the one in its certificate",
					 "the agent's name is not the one in its certificate"});
}

static void an_expired_certificate_is_refused(void **state)
{
	const struct identity_request request = {.file = "old",
						 .name = TRANSPORT_AGENT,
						 .role = IDENTITY_AGENT,
						 .valid_from_s = -7200,
						 .valid_for_s = 3600};
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;

	assert_int_equal(identity_issue(world->dir, &request), 0);
	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "old");
	given_agent(world, &identity, NULL);
	then_both_ends_say_why(
		world, &(struct refusal){"the collector refused us: our certificate has expired",
					 "the agent's certificate has expired"});
}

static void a_collectors_certificate_is_no_agents(void **state)
{
	const struct identity_request request = {
		.file = "role", .name = TRANSPORT_AGENT, .role = IDENTITY_COLLECTOR};
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;

	assert_int_equal(identity_issue(world->dir, &request), 0);
	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "role");
	given_agent(world, &identity, NULL);
	then_both_ends_say_why(
		world, &(struct refusal){"the collector refused us: our certificate",
					 "the agent's certificate was not issued for that role"});
}

static void a_certificate_that_names_no_role_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;

	transport_issue_without_role(world->dir, "plain", TRANSPORT_AGENT);
	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "plain");
	given_agent(world, &identity, NULL);
	then_both_ends_say_why(
		world, &(struct refusal){"the collector refused us: our certificate",
					 "the agent's certificate was not issued for that role"});
}

static void when_a_client_speaks(struct world *world, struct transport_client *client)
{
	client->port = ingest_port(world->collector.ingest);
	transport_client_start(client);
	transport_run_until(world->event, transport_client_is_done, client, PATIENCE_MS);
	transport_run_for(world->event, 20);
	assert_int_equal(transport_collector_counts(&world->collector).refused, 1);
	assert_int_equal(transport_collector_counts(&world->collector).connections, 0);
	assert_int_equal(world->collector.calls, 0);
}

static void a_client_in_plain_text_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_client http = {.bytes = "GET / HTTP/1.1\r\n\r\n", .n_bytes = 18};

	given_collector(world, NULL);
	when_a_client_speaks(world, &http);
	assert_contains(world->collector.notes, "the agent spoke plain HTTP, not TLS 1.3");
	transport_collector_stop(&world->collector);
}

static void a_client_that_speaks_only_tls_1_2_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	struct transport_client client = {.min_version = 0x0303, .max_version = 0x0303};

	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "agent");
	client.identity = &identity;
	when_a_client_speaks(world, &client);
	assert_contains(world->collector.notes, "offered only versions of TLS below 1.3");
	assert_contains(client.answer, "protocol version");
	transport_collector_stop(&world->collector);
}

static void a_client_without_certificate_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_client client = {.min_version = 0x0304, .max_version = 0x0304};

	given_collector(world, NULL);
	when_a_client_speaks(world, &client);
	assert_contains(world->collector.notes, "the agent sent no certificate");
	assert_contains(client.answer, "certificate required");
	transport_collector_stop(&world->collector);
}

/* Unread input turns a close into a reset, which can overtake the alert on a real network. */
static void who_keeps_talking_while_being_refused_still_learns_why(void **state)
{
	static const uint8_t chatter[200000];
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	struct transport_client client = {.min_version = 0x0304,
					  .max_version = 0x0304,
					  .bytes = chatter,
					  .n_bytes = sizeof(chatter)};
	_cleanup_free_ char *other = NULL;

	assert_true(asprintf(&other, "%s/other", world->dir) > 0);
	assert_int_equal(identity_ensure(other, TRANSPORT_AGENT), 0);
	given_collector(world, NULL);
	identity = transport_identity(&paths, other, other, "agent");
	client.identity = &identity;
	when_a_client_speaks(world, &client);
	assert_contains(client.answer, "alert");
	transport_collector_stop(&world->collector);
}

static void a_huge_frame_is_refused_before_memory_is_taken_for_it(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	struct transport_client client = {.min_version = 0x0304,
					  .max_version = 0x0304,
					  .bytes = "\x7f\xff\xff\xff and so on",
					  .n_bytes = 14};

	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "agent");
	client.identity = &identity;
	when_a_client_speaks(world, &client);
	assert_contains(world->collector.notes, "a frame's length is out of bounds");
	assert_contains(client.answer, "a frame's length is out of bounds");
	transport_collector_stop(&world->collector);
}

static void a_frame_that_is_no_message_is_refused(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	struct transport_client client = {.min_version = 0x0304,
					  .max_version = 0x0304,
					  .bytes = "\0\0\0\4\xff\xff\xff\xff",
					  .n_bytes = 8};

	given_collector(world, NULL);
	identity = transport_identity(&paths, world->dir, world->dir, "agent");
	client.identity = &identity;
	when_a_client_speaks(world, &client);
	assert_contains(client.answer, "a message cannot be read");
	transport_collector_stop(&world->collector);
}

static void who_says_nothing_is_disconnected(void **state)
{
	const struct ingest_config hasty = {.hello_timeout_ms = 100};
	/* Long enough for a handshake on a busy machine: what is told goes by the same TLS. */
	const struct ingest_config config = {.hello_timeout_ms = 2000};
	struct world *world = *state;
	struct transport_paths paths;
	struct identity_files identity;
	struct transport_client silent = {};
	struct transport_client no_hello = {.min_version = 0x0304, .max_version = 0x0304};

	given_collector(world, &hasty);
	when_a_client_speaks(world, &silent);
	assert_contains(world->collector.notes, "did not say hello in time");
	transport_collector_stop(&world->collector);

	given_collector(world, &config);
	identity = transport_identity(&paths, world->dir, world->dir, "agent");
	no_hello.identity = &identity;
	when_a_client_speaks(world, &no_hello);
	assert_contains(no_hello.answer, "did not say hello in time");
	transport_collector_stop(&world->collector);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_true(sd_event_new(&world->event) >= 0);
	world->dir = transport_make_dir();
	assert_int_equal(identity_ensure(world->dir, TRANSPORT_AGENT), 0);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	sd_event_unref(world->event);
	transport_remove_dir(world->dir);
	free(world);
	return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_agent_of_another_authority_is_refused),
		STORY(a_collector_of_another_authority_is_refused),
		STORY(a_collector_of_another_name_is_refused),
		STORY(an_agent_of_another_name_is_refused),
		STORY(an_expired_certificate_is_refused),
		STORY(a_collectors_certificate_is_no_agents),
		STORY(a_certificate_that_names_no_role_is_refused),
		STORY(a_client_in_plain_text_is_refused),
		STORY(a_client_that_speaks_only_tls_1_2_is_refused),
		STORY(a_client_without_certificate_is_refused),
		STORY(who_keeps_talking_while_being_refused_still_learns_why),
		STORY(a_huge_frame_is_refused_before_memory_is_taken_for_it),
		STORY(a_frame_that_is_no_message_is_refused),
		STORY(who_says_nothing_is_disconnected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
