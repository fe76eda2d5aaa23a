/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CRM that is known by its name, at an address which others have as well: a connection is the
 * CRM's unless it says another name. An answer is read after each story's words: who read the CRM's
 * is labelled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "kernel/client.h"
#include "kernel/coverage.h"
#include "kernel/hello.h"
#include "kernel/letter.h"

#define CRM "crm-name.test"
#define CRM_IN_OTHER_LETTERS "CRM-Name.Test"
#define OTHER "shop.test"
#define PORT CLIENT_SERVER_PORT
#define SHARED "127.0.0.1" /* has the name in the hosts of this test */
#define SECTION "[crm \"named\"]\nhost = " CRM "\nport = 18444\nclass = customer\n"

static void given_policy(const struct scene *scene, const char *keys)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s", SECTION, keys);
	kernel_fixture_kill_sensor(scene->fixture);
	kernel_fixture_change_policy(scene->fixture, text, "customer");
	kernel_fixture_restart_sensor(scene->fixture);
}

static void the_crms_name_makes_a_shared_address_the_crm(void **state)
{
	int fd;

	given_policy(*state, "");
	fd = client_connect(*state, SHARED);
	client_say_hello(*state, fd, CRM_IN_OTHER_LETTERS);
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
	coverage_note("CRM by TLS server name at a shared address", COVERAGE_EXACT);
}

/* Nor does a walk over all descriptors take it for the CRM again. */
static void another_site_of_a_shared_address_is_not_the_crm(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_policy(scene, "");
	fd = client_connect(scene, SHARED);
	client_say_hello(scene, fd, OTHER);
	client_read_answer(scene, fd);
	assert_false(client_is_labelled(scene));
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	client_say(scene, fd, "\x17\x03\x03 and so on");
	client_read_answer(scene, fd);
	assert_false(client_is_labelled(scene));
	assert_int_equal(kernel_fixture_count_flows(scene->fixture), 0);
}

static void what_goes_to_another_site_of_the_address_leaves(void **state)
{
	const struct scene *scene = *state;
	const struct sensor_flow *flows;
	size_t n, n_found = 0;
	int fd;

	given_policy(scene, "");
	scene_read_source(scene, CLERK);
	fd = client_connect(scene, SHARED);
	client_say_hello(scene, fd, OTHER);
	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++) {
		if (flows[i].port != PORT)
			continue;
		n_found++;
		assert_true(flows[i].is_out);
		assert_false(flows[i].is_crm);
		assert_int_equal(flows[i].host_source, SENSOR_HOST_TLS);
	}
	assert_int_equal(n_found, 1);
}

static void who_says_no_name_at_the_address_means_the_crm(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(NULL, hello);
	int fd;

	given_policy(*state, "");
	fd = client_connect(*state, SHARED);
	client_say(*state, fd, "EHLO workstation\r\n");
	client_say(*state, fd, "STARTTLS\r\n");
	client_write(*state, fd, hello, bytes);
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
}

static void a_hello_that_may_hide_the_crms_name_means_it(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make_front(OTHER, hello);
	int fd;

	given_policy(*state, "ech = yes\n");
	fd = client_connect(*state, SHARED);
	client_write(*state, fd, hello, bytes);
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
}

static void a_hello_hides_nothing_from_a_crm_without_keys_for_it(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make_front(OTHER, hello);
	int fd;

	given_policy(*state, "ech = no\n");
	fd = client_connect(*state, SHARED);
	client_write(*state, fd, hello, bytes);
	client_read_answer(*state, fd);
	assert_false(client_is_labelled(*state));
}

static void an_address_that_nobody_shares_is_the_crm_whatever_is_said(void **state)
{
	int fd;

	given_policy(*state, "shared = no\n");
	fd = client_connect(*state, SHARED);
	client_say_hello(*state, fd, OTHER);
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
}

/* Words before it hide it from nobody. */
static void a_hello_behind_other_words_says_the_same(void **state)
{
	int fd;

	given_policy(*state, "");
	fd = client_connect(*state, SHARED);
	client_say(*state, fd, "EHLO workstation\r\n");
	client_say(*state, fd, "STARTTLS\r\n");
	client_say_hello(*state, fd, OTHER);
	assert_int_equal(kernel_fixture_count_flows(((struct scene *)*state)->fixture), 1);
	client_read_answer(*state, fd);
	assert_false(client_is_labelled(*state));
}

/* Each part has its answer, which is read at the end only: what is read before the name is said is
 * the CRM's, as that of who says none. */
static void check_parts(const struct scene *scene, const char *host, size_t first, bool is_crm)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(host, hello);
	int fd = client_connect(scene, SHARED);

	client_write(scene, fd, hello, first);
	client_write(scene, fd, hello + first, 60);
	client_write(scene, fd, hello + first + 60, bytes - first - 60);
	client_read_answer(scene, fd);
	assert_int_equal(client_is_labelled(scene), is_crm);
}

static void a_hello_in_parts_says_the_same(void **state)
{
	given_policy(*state, "");
	check_parts(*state, OTHER, 3, false);
	check_parts(*state, OTHER, 1, false);
	check_parts(*state, CRM, 1, true);
	coverage_note("CRM by a TLS hello in several writes", COVERAGE_EXACT);
}

/* The second buffer has the name. */
static void a_hello_in_several_buffers_says_the_same(void **state)
{
	const struct scene *scene = *state;
	struct letter *letter = letter_of(scene, CLERK);
	char *data = scene_data(scene, CLERK), hello[HELLO_BYTES];
	size_t bytes = hello_make(OTHER, hello);
	int fd;

	given_policy(scene, "");
	fd = client_connect(scene, SHARED);
	memcpy(data, hello, bytes);
	letter->parts[0] = (struct iovec){data, 40};
	letter->parts[1] = (struct iovec){data + 40, bytes - 40};
	letter->messages[0] =
		(struct mmsghdr){.msg_hdr = {.msg_iov = letter->parts, .msg_iovlen = 2}};
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmsg, fd, (long)&letter->messages[0].msg_hdr, 0),
		bytes);
	client_read_answer(scene, fd);
	assert_false(client_is_labelled(scene));
}

/* What it said to its peer before was said to nobody that it has now. */
static void a_socket_that_is_connected_again_has_said_nothing(void **state)
{
	const struct scene *scene = *state;
	struct sockaddr_in *peer = &letter_of(scene, CLERK)->peers[0];
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int fd;

	given_policy(scene, "");
	fd = client_connect(scene, SHARED);
	client_say_hello(scene, fd, OTHER);
	client_read_answer(scene, fd);
	memcpy(scene_data(scene, CLERK), &nobody, sizeof(nobody));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)scene_data(scene, CLERK),
				    sizeof(nobody)),
			 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)peer, sizeof(*peer)), 0);
	client_say_hello(scene, fd, CRM);
	client_read_answer(scene, fd);
	assert_true(client_is_labelled(scene));
}

static void requests_on_a_shared_address_say_their_host(void **state)
{
	int fd;

	given_policy(*state, "");
	fd = client_connect(*state, SHARED);
	client_say(*state, fd, "GET / HTTP/1.1\r\nHost: " OTHER "\r\n\r\n");
	client_read_answer(*state, fd);
	assert_false(client_is_labelled(*state));
	client_say(*state, fd, "GET /policy/1 HTTP/1.1\r\nHost: " CRM ":18444\r\n\r\n");
	client_read_answer(*state, fd);
	assert_true(client_is_labelled(*state));
}

static void check_request(const struct scene *scene, const char *const *parts, bool is_crm)
{
	int fd = client_connect(scene, SHARED);

	for (size_t i = 0; parts[i]; i++)
		client_say(scene, fd, parts[i]);
	client_read_answer(scene, fd);
	assert_int_equal(client_is_labelled(scene), is_crm);
}

static void a_request_whose_host_comes_in_a_later_write_says_it(void **state)
{
	given_policy(*state, "");
	check_request(*state,
		      (const char *[]){"GET / HTTP/1.1\r\n", "Accept: */*\r\n",
				       "Host: " OTHER "\r\n\r\n", NULL},
		      false);
	check_request(*state,
		      (const char *[]){"G", "ET / HTTP/1.1\r\nHo", "st: " OTHER "\r\n", NULL},
		      false);
	check_request(*state, (const char *[]){"GET / HTTP/1.1\r\n", "Host: " CRM "\r\n\r\n", NULL},
		      true);
	coverage_note("CRM by an HTTP Host in a later write", COVERAGE_EXACT);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(the_crms_name_makes_a_shared_address_the_crm),
		STORY(another_site_of_a_shared_address_is_not_the_crm),
		STORY(what_goes_to_another_site_of_the_address_leaves),
		STORY(who_says_no_name_at_the_address_means_the_crm),
		STORY(a_hello_that_may_hide_the_crms_name_means_it),
		STORY(a_hello_hides_nothing_from_a_crm_without_keys_for_it),
		STORY(an_address_that_nobody_shares_is_the_crm_whatever_is_said),
		STORY(a_hello_behind_other_words_says_the_same),
		STORY(a_hello_in_parts_says_the_same),
		STORY(a_hello_in_several_buffers_says_the_same),
		STORY(a_socket_that_is_connected_again_has_said_nothing),
		STORY(requests_on_a_shared_address_say_their_host),
		STORY(a_request_whose_host_comes_in_a_later_write_says_it),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	client_name_this_machine(CRM);
	return cmocka_run_group_tests(tests, client_start_server, NULL);
}
