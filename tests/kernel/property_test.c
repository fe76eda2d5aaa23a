/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * WEIR_PROPERTY_SEED repeats a run, WEIR_PROPERTY_STEPS makes it longer, and
 * WEIR_PROPERTY_EVERY=1 compares after each step: the first wrong step is the last one told.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/play.h"

#define STEPS_PER_ACT 400

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void random_programs_move_labels_and_bytes_as_the_model_says(void **state)
{
	uint64_t seed = setting("WEIR_PROPERTY_SEED", (uint64_t)time(NULL));
	uint64_t steps = setting("WEIR_PROPERTY_STEPS", 12000);
	uint64_t every = setting("WEIR_PROPERTY_EVERY", 50);
	struct play play;

	(void)state;
	printf("# WEIR_PROPERTY_SEED=%llu WEIR_PROPERTY_STEPS=%llu\n", (unsigned long long)seed,
	       (unsigned long long)steps);
	fflush(stdout);
	play_open(&play, *state, seed);
	while (play.step < steps) {
		play_begin_act(&play);
		for (int i = 0; i < STEPS_PER_ACT && play.step < steps; i++) {
			play_step(&play);
			if (play.step % every == 0)
				assert_true(play_check(&play));
		}
		assert_true(play_check(&play));
		play_end_act(&play);
		assert_true(play_check(&play));
	}
	printf("# processes seen without a label %llu, with some %llu, with every %llu; %d flows\n",
	       (unsigned long long)play.seen_clean, (unsigned long long)play.seen_part,
	       (unsigned long long)play.seen_full, play.model.n_flows);
	play_close(&play);
}

static int given_a_sensor(void **state)
{
	*state = kernel_fixture_start(NULL);
	return 0;
}

static int stop_sensor(void **state)
{
	kernel_fixture_stop(*state);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			random_programs_move_labels_and_bytes_as_the_model_says, given_a_sensor,
			stop_sensor),
	};
	int status = puppet_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
