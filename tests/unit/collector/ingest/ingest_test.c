/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
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

static void when_all_is_acked(struct world *world)
{
	transport_run_until(world->event, transport_agent_has_no_backlog, &world->agent,
			    PATIENCE_MS);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static bool a_commit_was_tried(void *userdata)
{
	const struct world *world = userdata;

	return world->collector.calls >= 3;
}

static void a_batch_is_acknowledged_only_after_its_commit(void **state)
{
	const struct ingest_config config = {.retry_first_ms = 10, .retry_max_ms = 20};
	struct world *world = *state;

	given_collector(world, &config);
	world->collector.failures_to_come = 5;
	given_agent(world, NULL, NULL);
	transport_append_events(world->agent.spool, 50);
	transport_run_until(world->event, a_commit_was_tried, world, PATIENCE_MS);
	transport_run_for(world->event, 5);
	assert_int_equal(transport_agent_counts(&world->agent).events_acked, 0);
	when_all_is_acked(world);
	transport_assert_committed_once(world->dir, 50);
	assert_int_equal(transport_collector_counts(&world->collector).commit_failures, 5);
	assert_int_equal(transport_collector_counts(&world->collector).events_in, 50);
	assert_int_equal(transport_collector_counts(&world->collector).events_out, 50);
	then_it_ends(world);
}

static void a_full_disk_keeps_the_agent_waiting_and_connected(void **state)
{
	const struct ingest_config config = {.retry_first_ms = 10, .retry_max_ms = 50};
	struct world *world = *state;
	_cleanup_free_ char *disk = NULL;

	assert_true(asprintf(&disk, "%s/disk", world->dir) > 0);
	if (!transport_mount_small_disk(disk, 64))
		skip();
	transport_collector_start(&world->collector, world->event, world->dir, disk, 0, &config);
	transport_fill_disk(disk);
	given_agent(world, NULL, NULL);
	transport_append_events(world->agent.spool, 2000);
	transport_run_for(world->event, 500);
	assert_int_equal(transport_agent_counts(&world->agent).events_acked, 0);
	assert_in_range(transport_collector_counts(&world->collector).commit_failures, 3, 50);
	assert_int_equal(transport_collector_counts(&world->collector).agents, 1);
	assert_int_equal(world->agent.waits, 0);
	assert_contains(world->collector.notes, "desk-1: events cannot be stored, trying again: "
						"No space left on device");

	transport_free_disk(disk);
	when_all_is_acked(world);
	transport_assert_committed_once(disk, 2000);
	assert_int_equal(world->agent.waits, 0);
	assert_int_equal(transport_collector_counts(&world->collector).accepted, 1);
	then_it_ends(world);
	transport_unmount(disk);
}

static void bytes_that_are_no_event_become_a_loss_and_the_rest_goes_on(void **state)
{
	struct world *world = *state;

	given_collector(world, NULL);
	given_agent(world, NULL, NULL);
	transport_append_events(world->agent.spool, 10);
	assert_int_equal(spool_append(world->agent.spool, "\xff\xff no event", 11, NULL), 0);
	transport_append_events(world->agent.spool, 10);
	when_all_is_acked(world);
	assert_int_equal(transport_assert_committed_once(world->dir, 21), 1);
	assert_int_equal(transport_collector_counts(&world->collector).events_undecodable, 1);
	then_it_ends(world);
}

struct arrival {
	const struct world *world;
	uint64_t n_accepted;
};

static bool has_arrived(void *userdata)
{
	const struct arrival *arrival = userdata;

	return transport_collector_counts(&arrival->world->collector).accepted ==
	       arrival->n_accepted;
}

/* A client connects from a process of its own: who is the oldest is only known once it is seen. */
static void when_a_stranger_arrives(struct world *world, struct transport_client *stranger)
{
	struct arrival arrival = {world,
				  transport_collector_counts(&world->collector).accepted + 1};

	stranger->port = ingest_port(world->collector.ingest);
	transport_client_start(stranger);
	transport_run_until(world->event, has_arrived, &arrival, PATIENCE_MS);
}

static void at_the_limit_the_oldest_stranger_makes_way_for_an_agent(void **state)
{
	const struct ingest_config config = {.max_connections = 2, .hello_timeout_ms = 60000};
	struct world *world = *state;
	struct transport_client strangers[3] = {};

	given_collector(world, &config);
	for (size_t i = 0; i < 3; i++)
		when_a_stranger_arrives(world, &strangers[i]);
	transport_run_until(world->event, transport_client_is_done, &strangers[0], PATIENCE_MS);
	assert_int_equal(transport_collector_counts(&world->collector).connections, 2);
	given_agent(world, NULL, NULL);
	transport_append_events(world->agent.spool, 10);
	when_all_is_acked(world);
	transport_run_until(world->event, transport_client_is_done, &strangers[1], PATIENCE_MS);
	assert_int_equal(transport_collector_counts(&world->collector).refused, 2);
	then_it_ends(world);
	transport_run_until(world->event, transport_client_is_done, &strangers[2], PATIENCE_MS);
}

static void a_newer_connection_of_an_agent_takes_over(void **state)
{
	struct world *world = *state;
	struct transport_agent second;
	_cleanup_free_ char *data = NULL;

	given_collector(world, NULL);
	given_agent(world, NULL, NULL);
	transport_append_events(world->agent.spool, 10);
	when_all_is_acked(world);
	assert_true(asprintf(&data, "%s/second", world->dir) > 0);
	transport_agent_start(&second, world->event, world->dir, data,
			      ingest_port(world->collector.ingest), NULL, NULL);
	transport_run_until(world->event, transport_agent_waits, &world->agent, PATIENCE_MS);
	assert_contains(uplink_reason(world->agent.uplink),
			"a newer connection of this agent took over");
	transport_agent_stop(&second);
	then_it_ends(world);
}

static int refuse_batch(void *userdata, const char *agent, uint64_t first_seq,
			struct event **events, size_t n_events)
{
	(void)userdata;
	(void)agent;
	(void)first_seq;
	(void)events;
	(void)n_events;
	return -EIO;
}

static void a_port_in_use_is_a_clear_error(void **state)
{
	struct world *world = *state;
	struct transport_paths paths;
	struct ingest_config config = {};
	struct ingest *second = NULL;
	_cleanup_free_ char *reason = NULL, *bad_address = NULL;

	given_collector(world, NULL);
	config.port = ingest_port(world->collector.ingest);
	config.identity = transport_identity(&paths, world->dir, world->dir, "collector");
	assert_int_equal(ingest_new(world->event, &config, refuse_batch, NULL, &second, &reason),
			 -EADDRINUSE);
	assert_null(second);
	assert_contains(reason, "cannot listen on 127.0.0.1 port ");
	assert_contains(reason, ": Address already in use");

	config.listen_address = "nowhere";
	assert_int_equal(
		ingest_new(world->event, &config, refuse_batch, NULL, &second, &bad_address),
		-EINVAL);
	assert_contains(bad_address, "cannot listen on nowhere");
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
		STORY(a_batch_is_acknowledged_only_after_its_commit),
		STORY(a_full_disk_keeps_the_agent_waiting_and_connected),
		STORY(bytes_that_are_no_event_become_a_loss_and_the_rest_goes_on),
		STORY(at_the_limit_the_oldest_stranger_makes_way_for_an_agent),
		STORY(a_newer_connection_of_an_agent_takes_over),
		STORY(a_port_in_use_is_a_clear_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
