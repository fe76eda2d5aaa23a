/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/transport_fixture.h"

#define PATIENCE_MS 20000

struct world {
	sd_event *event;
	char *dir;
	struct transport_collector collector;
	struct transport_agent agent;
	struct spool_counts spool; /* before a step */
	uint64_t last_seq;         /* the same */
};

static struct spool_counts spool_counts_of(const struct transport_agent *agent)
{
	struct spool_counts counts;

	spool_count(agent->spool, &counts);
	return counts;
}

static uint16_t given_collector(struct world *world, uint16_t port)
{
	transport_collector_start(&world->collector, world->event, world->dir, world->dir, port,
				  NULL);
	return ingest_port(world->collector.ingest);
}

static void given_agent(struct world *world, uint16_t port)
{
	transport_agent_start(&world->agent, world->event, world->dir, world->dir, port, NULL,
			      NULL);
}

static void when_all_is_acked(struct world *world)
{
	transport_run_until(world->event, transport_agent_has_no_backlog, &world->agent,
			    PATIENCE_MS);
}

static bool some_more_is_committed(void *userdata)
{
	const struct world *world = userdata;

	return world->collector.last_seq > world->last_seq + 300;
}

static void what_is_spooled_arrives_and_is_acknowledged(void **state)
{
	struct world *world = *state;

	given_agent(world, given_collector(world, 0));
	transport_append_events(world->agent.spool, 2000);
	when_all_is_acked(world);
	assert_int_equal(transport_assert_committed_once(world->dir, 2000), 0);

	transport_append_events(world->agent.spool, 10);
	uplink_notify(world->agent.uplink);
	when_all_is_acked(world);
	transport_assert_committed_once(world->dir, 2010);
	assert_int_equal(world->agent.waits, 0);
	assert_int_equal(transport_agent_counts(&world->agent).events_acked, 2010);
	assert_int_equal(transport_collector_counts(&world->collector).events_out, 2010);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static void a_restarted_collector_gets_everything_exactly_once(void **state)
{
	struct world *world = *state;
	uint16_t port = given_collector(world, 0);

	given_agent(world, port);
	transport_append_events(world->agent.spool, 20000);
	for (int round = 0; round < 3; round++) {
		world->last_seq = world->collector.last_seq;
		transport_run_until(world->event, some_more_is_committed, world, PATIENCE_MS);
		assert_true(world->collector.last_seq < 20000);
		transport_collector_stop(&world->collector);
		transport_run_until(world->event, transport_agent_waits, &world->agent,
				    PATIENCE_MS);
		assert_true(*uplink_reason(world->agent.uplink));
		given_collector(world, port);
		transport_run_for(world->event, 30);
	}
	when_all_is_acked(world);
	assert_int_equal(transport_assert_committed_once(world->dir, 20000), 0);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

/* A collector in a process of its own, so that it can be killed like one. */
static pid_t given_collector_process(struct world *world, uint16_t port, uint16_t *ret_port)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		sd_event *event;

		if (sd_event_new(&event) < 0)
			_exit(1);
		world->event = event;
		port = given_collector(world, port);
		if (write(fds[1], &port, sizeof(port)) != sizeof(port))
			_exit(1);
		sd_event_loop(event);
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], ret_port, sizeof(*ret_port)), sizeof(*ret_port));
	close(fds[0]);
	return pid;
}

static void when_killed(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static bool some_more_is_acked(void *userdata)
{
	struct world *world = userdata;

	return spool_counts_of(&world->agent).first_seq > world->spool.first_seq + 300;
}

static void a_collector_killed_mid_stream_loses_nothing_it_acknowledged(void **state)
{
	struct world *world = *state;
	uint16_t port;
	pid_t pid = given_collector_process(world, 0, &port);

	given_agent(world, port);
	transport_append_events(world->agent.spool, 20000);
	for (int round = 0; round < 4; round++) {
		_cleanup_free_ uint64_t(*pairs)[2] = NULL;
		size_t n;

		world->spool = spool_counts_of(&world->agent);
		transport_run_until(world->event, some_more_is_acked, world, PATIENCE_MS);
		when_killed(pid);
		n = transport_committed(world->dir, &pairs);
		assert_true(n > 0 && n >= spool_counts_of(&world->agent).first_seq - 1);
		pid = given_collector_process(world, port, &port);
	}
	when_all_is_acked(world);
	when_killed(pid);
	assert_int_equal(transport_assert_committed_once(world->dir, 20000), 0);
	transport_agent_stop(&world->agent);
}

/* Appends all the time until it is killed: the spool and the connection both break off. */
static pid_t given_agent_process(struct world *world, uint16_t port)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	if (sd_event_new(&world->event) < 0)
		_exit(1);
	given_agent(world, port);
	for (;;) {
		transport_append_events(world->agent.spool, 20);
		uplink_notify(world->agent.uplink);
		transport_run_for(world->event, 1);
	}
}

static void an_agent_killed_mid_stream_sends_the_rest_after_its_restart(void **state)
{
	struct world *world = *state;
	uint16_t port = given_collector(world, 0);
	uint64_t n;

	for (int round = 0; round < 3; round++) {
		pid_t pid = given_agent_process(world, port);

		world->last_seq = world->collector.last_seq;
		transport_run_until(world->event, some_more_is_committed, world, PATIENCE_MS);
		transport_run_for(world->event, 100);
		when_killed(pid);
	}
	given_agent(world, port);
	n = spool_next_seq(world->agent.spool) - 1;
	when_all_is_acked(world);
	/* Each kill can have torn the one record that was being written. */
	assert_in_range(transport_assert_committed_once(world->dir, n), 0, 3);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static void a_record_that_the_disk_lost_arrives_as_a_loss_of_its_seq(void **state)
{
	struct world *world = *state;
	uint16_t port = given_collector(world, 0);
	_cleanup_free_ char *path = NULL;
	uint64_t(*pairs)[2];
	int fd;

	given_agent(world, port);
	transport_append_events(world->agent.spool, 100);
	assert_true(asprintf(&path, "%s/spool/%020d.seg", world->dir, 1) > 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "damage", 6, 30), 6);
	close(fd);
	when_all_is_acked(world);
	assert_int_equal(transport_assert_committed_once(world->dir, 100), 1);
	transport_committed(world->dir, &pairs);
	assert_int_equal(pairs[0][1], 12 /* EVENT_LOSS */);
	free(pairs);
	assert_int_equal(transport_agent_counts(&world->agent).events_lost, 1);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static bool the_window_is_full(void *userdata)
{
	const struct world *world = userdata;

	return world->collector.calls > 3;
}

static void no_more_than_the_window_is_in_flight_while_nothing_is_acked(void **state)
{
	const struct ingest_config config = {.retry_first_ms = 10, .retry_max_ms = 10};
	struct world *world = *state;
	struct uplink_counts counts;

	transport_collector_start(&world->collector, world->event, world->dir, world->dir, 0,
				  &config);
	world->collector.failures_to_come = 20;
	given_agent(world, ingest_port(world->collector.ingest));
	transport_append_events(world->agent.spool, 20000);
	transport_run_until(world->event, the_window_is_full, world, PATIENCE_MS);
	counts = transport_agent_counts(&world->agent);
	assert_in_range(counts.in_flight, 1, 1000);
	assert_int_equal(counts.events_acked, 0);
	when_all_is_acked(world);
	transport_assert_committed_once(world->dir, 20000);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static void without_a_collector_it_keeps_trying_and_says_why(void **state)
{
	struct world *world = *state;
	uint16_t port = given_collector(world, 0);

	transport_collector_stop(&world->collector);
	given_agent(world, port);
	transport_append_events(world->agent.spool, 10);
	transport_run_for(world->event, 1000);
	/* 20, 40, 80, 160, 200, 200... ms less up to a quarter: no storm. */
	assert_in_range(world->agent.waits, 3, 12);
	assert_string_equal(uplink_reason(world->agent.uplink),
			    "cannot connect: Connection refused");
	given_collector(world, port);
	when_all_is_acked(world);
	transport_assert_committed_once(world->dir, 10);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static void a_replaced_spool_is_not_taken_for_a_repeat(void **state)
{
	struct world *world = *state;
	uint16_t port = given_collector(world, 0);
	_cleanup_free_ char *path = NULL;

	given_agent(world, port);
	transport_append_events(world->agent.spool, 50);
	when_all_is_acked(world);
	transport_agent_stop(&world->agent);
	assert_true(asprintf(&path, "%s/spool", world->dir) > 0);
	transport_remove_dir(strdup(path));

	given_agent(world, port);
	transport_append_events(world->agent.spool, 30);
	when_all_is_acked(world);
	transport_assert_committed_once(world->dir, 80);
	assert_int_equal(world->collector.repeats, 0);
	transport_agent_stop(&world->agent);
	transport_collector_stop(&world->collector);
}

static void identity_files_that_cannot_be_used_are_named(void **state)
{
	static const struct uplink_reader reader = {};
	struct world *world = *state;
	struct transport_paths paths;
	struct uplink_config config = {
		.host = "127.0.0.1",
		.port = 1,
		.agent = TRANSPORT_AGENT,
		.boot_id = "boot",
		.reader = reader,
	};
	_cleanup_free_ char *missing = NULL, *mismatched = NULL;
	struct uplink *uplink = NULL;

	config.identity = transport_identity(&paths, world->dir, world->dir, "nobody");
	assert_int_equal(uplink_new(world->event, &config, &uplink, &missing), -ENOENT);
	assert_non_null(strstr(missing, "cannot read certificate"));
	assert_non_null(strstr(missing, "nobody.crt"));

	config.identity = transport_identity(&paths, world->dir, world->dir, "agent");
	snprintf(paths.key, sizeof(paths.key), "%s/collector.key", world->dir);
	assert_int_equal(uplink_new(world->event, &config, &uplink, &mismatched), -EKEYREJECTED);
	assert_non_null(strstr(mismatched, "does not belong to"));
	assert_null(uplink);
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
		STORY(what_is_spooled_arrives_and_is_acknowledged),
		STORY(a_restarted_collector_gets_everything_exactly_once),
		STORY(a_collector_killed_mid_stream_loses_nothing_it_acknowledged),
		STORY(an_agent_killed_mid_stream_sends_the_rest_after_its_restart),
		STORY(a_record_that_the_disk_lost_arrives_as_a_loss_of_its_seq),
		STORY(no_more_than_the_window_is_in_flight_while_nothing_is_acked),
		STORY(without_a_collector_it_keeps_trying_and_says_why),
		STORY(a_replaced_spool_is_not_taken_for_a_repeat),
		STORY(identity_files_that_cannot_be_used_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
