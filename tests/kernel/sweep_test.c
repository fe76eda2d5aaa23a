/* SPDX-License-Identifier: GPL-2.0-only */
/* What a sweep tells of a flow beside its totals: since when what is new in them can have come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kernel/life.h"

enum {
	WORKER, /* puppet */
};

/* One byte, to a file that nobody else writes. */
static void write_on(struct life *life, long fd)
{
	long data = (long)life->stage->puppets[WORKER].data;

	assert_int_equal(LIFE_CALL(life, WORKER, SYS_write, fd, data, 1), 1);
}

static struct sensor_flow when_swept(struct life *life)
{
	uint64_t ino = kernel_fixture_ino(life->fixture, "copy");
	const struct sensor_flow *flows;
	size_t n_flows;

	flows = kernel_fixture_flows(life->fixture, &n_flows);
	for (size_t i = 0; i < n_flows; i++)
		if (flows[i].is_out && flows[i].object.ino == ino)
			return flows[i];
	fail_msg("no flow to the copy");
	return (struct sensor_flow){};
}

static long given_a_written_copy(struct life *life)
{
	long fd;

	puppet_start(life->stage, WORKER, life->executables[0]);
	life_read_source(life, WORKER);
	fd = life_open_plain(life, WORKER, "copy");
	write_on(life, fd);
	return fd;
}

static void what_a_flow_adds_came_after_the_sweep_that_saw_none_of_it(void **state)
{
	struct life *life = *state;
	long fd = given_a_written_copy(life);
	uint64_t looked_ns, written_ns;
	struct sensor_flow flow = when_swept(life);

	assert_int_equal(flow.calls, 1);
	assert_int_equal(flow.since_ns, 0);
	usleep(50000);
	looked_ns = clock_boottime_ns();
	when_swept(life); /* and nothing has changed */
	written_ns = clock_boottime_ns();
	for (int i = 0; i < 3; i++)
		write_on(life, fd);
	flow = when_swept(life);
	assert_int_equal(flow.calls, 4);
	assert_int_equal(flow.since_calls, 1);
	assert_in_range(flow.since_ns, looked_ns, written_ns);
	write_on(life, fd);
	assert_true(when_swept(life).since_ns > written_ns);
	assert_int_equal(when_swept(life).since_calls, 4);
}

/* What was told of the sweeps before is gone, and with it what was known by then. */
static void a_flow_that_is_told_again_is_told_as_if_never_met(void **state)
{
	struct life *life = *state;
	long fd = given_a_written_copy(life);

	when_swept(life);
	write_on(life, fd);
	sensor_report_again(kernel_fixture_sensor(life->fixture));
	assert_int_equal(when_swept(life).since_ns, 0);
	write_on(life, fd);
	assert_int_equal(when_swept(life).since_calls, 2);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, life_begin, life_end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_a_flow_adds_came_after_the_sweep_that_saw_none_of_it),
		STORY(a_flow_that_is_told_again_is_told_as_if_never_met),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
