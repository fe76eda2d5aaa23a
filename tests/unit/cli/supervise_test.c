/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <systemd/sd-event.h>

#include "cli/supervise.h"

#define MAX_NOTES 32
#define PATIENCE_MS 5000
/* No story takes so long; a test that hangs must fail. */
#define STORY_LIMIT_US 20000000ull

/* What the children and the supervisor note, in the order in which it happened. */
struct diary {
	atomic_uint n_notes;
	char notes[MAX_NOTES];
	atomic_uint n_starts_of_b;
	atomic_int pid_of_a;
};

struct story {
	struct diary *diary; /* shared between processes */
	struct supervise_child children[2];
	struct supervise_config config;
	struct supervise *supervise;
	sd_event *loop;
	uint32_t value_of_a;
	unsigned int readies_of_b;
	unsigned int kills_left;
	unsigned int stop_at_ready_of_b; /* readiness of b at which the story stops; 0: never */
};

static void note(struct diary *diary, char what)
{
	unsigned int i = atomic_fetch_add(&diary->n_notes, 1);

	assert_true(i < MAX_NOTES - 1);
	diary->notes[i] = what;
}

static void wait_for_sigterm(void)
{
	sigset_t signals;
	int signal_number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigwait(&signals, &signal_number);
}

static int child_a(int ready_fd, void *userdata)
{
	struct story *story = userdata;

	atomic_store(&story->diary->pid_of_a, getpid());
	note(story->diary, 'A');
	supervise_tell_ready(ready_fd, 4711);
	wait_for_sigterm();
	note(story->diary, 'a');
	return 0;
}

static int child_b(int ready_fd, void *userdata)
{
	struct story *story = userdata;

	atomic_fetch_add(&story->diary->n_starts_of_b, 1);
	note(story->diary, 'B');
	supervise_tell_ready(ready_fd, 0);
	wait_for_sigterm();
	note(story->diary, 'b');
	return 0;
}

static int child_that_fails(int ready_fd, void *userdata)
{
	(void)ready_fd;
	note(((struct story *)userdata)->diary, 'F');
	return 3;
}

static int child_that_is_deaf(int ready_fd, void *userdata)
{
	(void)userdata;
	supervise_tell_ready(ready_fd, 0);
	while (true)
		pause();
	return 0;
}

static void a_is_ready(uint32_t value, void *userdata)
{
	((struct story *)userdata)->value_of_a = value;
}

static void b_is_ready(uint32_t value, void *userdata)
{
	struct story *story = userdata;

	(void)value;
	story->readies_of_b++;
	if (story->readies_of_b == story->stop_at_ready_of_b) {
		supervise_stop(story->supervise);
	} else if (story->kills_left > 0) {
		story->kills_left--;
		kill(supervise_child_pid(story->supervise, 1), SIGKILL);
	}
}

static void all_are_ready(void *userdata)
{
	note(((struct story *)userdata)->diary, '!');
}

static void one_died(const char *name, int wait_status, uint64_t delay_ms, void *userdata)
{
	struct story *story = userdata;

	assert_string_equal(name, "b");
	assert_true(WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) == SIGKILL
					     : WEXITSTATUS(wait_status) == 3);
	note(story->diary, delay_ms > 0 ? '+' : 'x');
}

static int set_up(void **state)
{
	struct story *story = calloc(1, sizeof(*story));
	sigset_t signals;

	assert_non_null(story);
	story->diary = mmap(NULL, sizeof(*story->diary), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(story->diary, MAP_FAILED);
	story->children[0] = (struct supervise_child){.name = "a",
						      .run = child_a,
						      .ready = a_is_ready,
						      .stop_timeout_ms = PATIENCE_MS,
						      .userdata = story};
	story->children[1] = (struct supervise_child){.name = "b",
						      .run = child_b,
						      .ready = b_is_ready,
						      .stop_timeout_ms = PATIENCE_MS,
						      .userdata = story};
	story->config = (struct supervise_config){.children = story->children,
						  .n_children = 2,
						  .all_ready = all_are_ready,
						  .died = one_died,
						  .userdata = story,
						  .backoff_min_ms = 10,
						  .backoff_max_ms = 40};
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	assert_int_equal(sd_event_new(&story->loop), 0);
	assert_true(sd_event_add_time_relative(story->loop, NULL, CLOCK_MONOTONIC, STORY_LIMIT_US,
					       0, NULL, (void *)(intptr_t)99) >= 0);
	*state = story;
	return 0;
}

static int tear_down(void **state)
{
	struct story *story = *state;

	if (story->supervise)
		supervise_free(story->supervise);
	sd_event_unref(story->loop);
	munmap(story->diary, sizeof(*story->diary));
	free(story);
	return 0;
}

static int when_it_runs(struct story *story)
{
	assert_int_equal(supervise_new(story->loop, &story->config, &story->supervise), 0);
	return sd_event_loop(story->loop);
}

static void children_start_in_order_and_stop_in_reverse(void **state)
{
	struct story *story = *state;

	story->stop_at_ready_of_b = 1;
	assert_int_equal(when_it_runs(story), 0);
	assert_string_equal(story->diary->notes, "ABba");
	assert_int_equal(story->value_of_a, 4711);
}

static int stop_after_all_ready(sd_event_source *source, void *userdata)
{
	(void)source;
	supervise_stop(((struct story *)userdata)->supervise);
	return 0;
}

static void all_ready_stop(void *userdata)
{
	struct story *story = userdata;

	note(story->diary, '!');
	assert_true(sd_event_add_defer(story->loop, NULL, stop_after_all_ready, story) >= 0);
}

static void all_ready_is_told_once_after_the_last_child(void **state)
{
	struct story *story = *state;

	story->config.all_ready = all_ready_stop;
	assert_int_equal(when_it_runs(story), 0);
	assert_int_equal(strchr(story->diary->notes, '!') - story->diary->notes, 2);
	assert_string_equal(strchr(story->diary->notes, '!'), "!ba");
}

static void a_killed_child_comes_back(void **state)
{
	struct story *story = *state;

	story->kills_left = 4;
	story->stop_at_ready_of_b = 5;
	assert_int_equal(when_it_runs(story), 0);
	assert_int_equal(atomic_load(&story->diary->n_starts_of_b), 5);
	/* the other one was left alone, and the whole got ready once */
	assert_string_equal(story->diary->notes, "AB!+B+B+B+Bba");
}

static void a_child_that_fails_before_it_is_ready_fails_the_whole(void **state)
{
	struct story *story = *state;

	story->children[1].run = child_that_fails;
	assert_int_equal(when_it_runs(story), 1);
	assert_string_equal(story->diary->notes, "AFxa");
}

static void a_deaf_child_is_killed_when_patience_is_over(void **state)
{
	struct story *story = *state;

	story->children[1].run = child_that_is_deaf;
	story->children[1].stop_timeout_ms = 50;
	story->stop_at_ready_of_b = 1;
	assert_int_equal(when_it_runs(story), 0);
	assert_string_equal(story->diary->notes, "Aa");
}

static int stop_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	supervise_stop(((struct story *)userdata)->supervise);
	return 0;
}

static void stopping_twice_waits_for_nobody(void **state)
{
	struct story *story = *state;

	story->children[1].run = child_that_is_deaf;
	story->children[1].stop_timeout_ms = 1000000;
	story->stop_at_ready_of_b = 1;
	assert_true(sd_event_add_time_relative(story->loop, NULL, CLOCK_MONOTONIC, 300000, 0,
					       stop_again, story) >= 0);
	assert_int_equal(when_it_runs(story), 0);
	assert_int_equal(supervise_child_pid(story->supervise, 0), 0);
	assert_int_equal(supervise_child_pid(story->supervise, 1), 0);
}

/* Waits for a process that is no child of ours by right, but came to us as its subreaper. */
static int status_of_orphan(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void no_child_outlives_a_killed_supervisor(void **state)
{
	struct story *story = *state;
	pid_t supervisor;
	int status;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	supervisor = fork();
	assert_true(supervisor >= 0);
	if (supervisor == 0) {
		sd_event *loop;

		story->config.n_children = 1;
		if (sd_event_new(&loop) < 0 ||
		    supervise_new(loop, &story->config, &story->supervise) < 0)
			_exit(1);
		sd_event_loop(loop);
		_exit(1);
	}
	while (atomic_load(&story->diary->n_notes) == 0)
		usleep(1000);
	kill(supervisor, SIGKILL);
	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);

	status = status_of_orphan(atomic_load(&story->diary->pid_of_a));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void too_many_children_are_refused(void **state)
{
	struct story *story = *state;

	story->config.n_children = SUPERVISE_CHILDREN_MAX + 1;
	assert_true(supervise_new(story->loop, &story->config, &story->supervise) < 0);
	assert_null(story->supervise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(children_start_in_order_and_stop_in_reverse, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(all_ready_is_told_once_after_the_last_child, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_killed_child_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_child_that_fails_before_it_is_ready_fails_the_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_deaf_child_is_killed_when_patience_is_over,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(stopping_twice_waits_for_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_child_outlives_a_killed_supervisor, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(too_many_children_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
