/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"
#include "kernel/coverage.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"

#define SERVER_PORT 53
#define NAME "\x0cmfrggzdfmztw\x04leak\x04test"
#define NAME_BYTES (sizeof(NAME)) /* with the root */

/* What the sensor has told of questions. */
static struct {
	unsigned int n;
	uint8_t data[WEIR_QUESTION_BYTES];
	size_t size;
	uint32_t message_bytes;
} heard;

static void on_question(void *userdata, const struct sensor_question *question,
			const struct sensor_app *app)
{
	(void)userdata;
	assert_non_null(app);
	assert_int_equal(app->id, question->app_id);
	assert_true(question->size <= sizeof(heard.data));
	heard.n++;
	memcpy(heard.data, question->data, question->size);
	heard.size = question->size;
	heard.message_bytes = question->message_bytes;
}

static int set_the_scene(void **state)
{
	int r = scene_set(state);
	const struct scene *scene = *state;

	memset(&heard, 0, sizeof(heard));
	if (r == 0)
		kernel_fixture_sensor(scene->fixture)->handler.question = on_question;
	return r;
}

static struct sockaddr_in server(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(SERVER_PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
}

/* Swallows what is asked. */
static int start_server(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	struct sockaddr_in address = server();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int fd = socket(AF_INET, types[i] | SOCK_CLOEXEC, 0), one = 1;

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    (types[i] == SOCK_STREAM && listen(fd, 16) < 0))
			return -1;
	}
	return 0;
}

/* A query as resolvers make them. Its length. */
static size_t make_query(uint8_t *query)
{
	static const uint8_t header[] = {0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	static const uint8_t type[] = {0, ns_t_txt, 0, ns_c_in};

	memcpy(query, header, sizeof(header));
	memcpy(query + sizeof(header), NAME, NAME_BYTES);
	memcpy(query + sizeof(header) + NAME_BYTES, type, sizeof(type));
	return sizeof(header) + NAME_BYTES + sizeof(type);
}

/* In the clerk's data, who holds labelled data. */
static size_t given_query(const struct scene *scene)
{
	scene_read_source(scene, CLERK);
	return make_query((uint8_t *)scene_data(scene, CLERK));
}

static int when_connected(const struct scene *scene, int type)
{
	int fd = letter_socket(scene, CLERK, AF_INET, type);
	struct letter *letter = letter_of(scene, CLERK);

	letter->peers[0] = server();
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 0);
	return fd;
}

static void when_written(const struct scene *scene, int fd, size_t bytes)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK),
				    (long)bytes),
			 bytes);
}

/* Of the flows to the server; there must be one. */
static bool is_lookup(const struct scene *scene)
{
	size_t n, found = 0;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);
	bool is = true;

	for (size_t i = 0; i < n; i++) {
		if (!flows[i].is_out || flows[i].port != SERVER_PORT)
			continue;
		found++;
		is &= flows[i].is_lookup;
	}
	assert_true(found > 0);
	return is;
}

static void check_heard(const struct scene *scene, unsigned int n, size_t message_bytes)
{
	assert_true(is_lookup(scene));
	assert_int_equal(heard.n, n);
	assert_int_equal(heard.message_bytes, message_bytes);
	assert_int_equal(heard.size, NAME_BYTES + 4);
	assert_memory_equal(heard.data, NAME, NAME_BYTES);
}

static void a_question_is_told_and_its_flow_is_a_lookup(void **state)
{
	size_t bytes = given_query(*state);

	when_written(*state, when_connected(*state, SOCK_DGRAM), bytes);
	check_heard(*state, 1, bytes);
	coverage_note("DNS question, connected UDP", COVERAGE_EXACT);
}

static void a_question_to_a_server_that_is_named_with_it_is_told(void **state)
{
	const struct scene *scene = *state;
	size_t bytes = given_query(scene);
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = letter_of(scene, CLERK);

	letter->peers[0] = server();
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    (long)bytes, 0, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 bytes);
	check_heard(scene, 1, bytes);
	coverage_note("DNS question, sendto", COVERAGE_EXACT);
}

static void given_message(const struct scene *scene, size_t i, void *data, size_t bytes)
{
	struct letter *letter = letter_of(scene, CLERK);

	letter->parts[i] = (struct iovec){data, bytes};
	letter->messages[i] =
		(struct mmsghdr){.msg_hdr = {.msg_iov = &letter->parts[i], .msg_iovlen = 1}};
}

static void questions_in_messages_are_told(void **state)
{
	const struct scene *scene = *state;
	size_t bytes = given_query(scene);
	int fd = when_connected(scene, SOCK_DGRAM);
	struct letter *letter = letter_of(scene, CLERK);

	given_message(scene, 0, scene_data(scene, CLERK), bytes);
	given_message(scene, 1, scene_data(scene, CLERK), bytes);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmsg, fd, (long)&letter->messages[0].msg_hdr, 0),
		bytes);
	/* As the resolver of glibc asks for both kinds of addresses. */
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd, (long)letter->messages, 2, 0),
			 2);
	check_heard(scene, 3, bytes);
	coverage_note("DNS questions, sendmsg and sendmmsg", COVERAGE_EXACT);
}

static void a_question_in_a_stream_is_told(void **state)
{
	const struct scene *scene = *state;
	uint8_t *data;
	size_t bytes;

	scene_read_source(scene, CLERK);
	data = (uint8_t *)scene_data(scene, CLERK);
	bytes = make_query(data + 2);
	data[0] = 0;
	data[1] = (uint8_t)bytes;
	when_written(scene, when_connected(scene, SOCK_STREAM), bytes + 2);
	check_heard(scene, 1, bytes);
	coverage_note("DNS question, TCP", COVERAGE_EXACT);
}

static void its_length_may_be_a_buffer_of_its_own(void **state)
{
	const struct scene *scene = *state;
	size_t bytes = given_query(scene);
	struct letter *letter = letter_of(scene, CLERK);
	uint8_t *length = (uint8_t *)scene_data(scene, CLERK) + 1024;
	int fd = when_connected(scene, SOCK_STREAM);

	length[0] = 0;
	length[1] = (uint8_t)bytes;
	letter->parts[0] = (struct iovec){length, 2};
	letter->parts[1] = (struct iovec){scene_data(scene, CLERK), bytes};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_writev, fd, (long)letter->parts, 2),
			 bytes + 2);
	check_heard(scene, 1, bytes);
}

/* The query, changed in one place, or with so much behind it. */
static void what_is_no_plain_query_is_no_lookup(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		size_t more;
	} changes[] = {
		{2, 0x81, 0},   /* an answer */
		{5, 2, 0},      /* two questions */
		{7, 1, 0},      /* an answer with it */
		{11, 2, 0},     /* two records more */
		{12, 0xc0, 0},  /* a pointer, RFC 1035 4.1.4 */
		{12, 0x3f, 0},  /* a label longer than the message */
		{0, 0x12, 200}, /* anything behind it */
	};
	const struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		size_t bytes = given_query(scene);

		scene_data(scene, CLERK)[changes[i].at] = (char)changes[i].byte;
		when_written(scene, when_connected(scene, SOCK_DGRAM), bytes + changes[i].more);
		assert_false(is_lookup(scene));
	}
	/* What only has too much behind it is told all the same. */
	assert_int_equal(heard.n, 1);
}

static void one_message_that_is_none_makes_all_of_it_none(void **state)
{
	const struct scene *scene = *state;
	size_t bytes = given_query(scene);
	int fd = when_connected(scene, SOCK_DGRAM);

	when_written(scene, fd, bytes);
	assert_true(is_lookup(scene));
	when_written(scene, fd, 5);
	when_written(scene, fd, bytes);
	assert_false(is_lookup(scene));
	assert_int_equal(heard.n, 2);
}

static void what_goes_elsewhere_is_no_question(void **state)
{
	const struct scene *scene = *state;
	size_t bytes = given_query(scene);
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM), n;
	struct letter *letter = letter_of(scene, CLERK);

	letter->peers[0] = server();
	letter->peers[0].sin_port = htons(TRANSFERS_CHAT_PORT);
	n = (int)SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
			    (long)bytes, 0, (long)&letter->peers[0], sizeof(letter->peers[0]));
	assert_int_equal(n, bytes);
	assert_int_equal(kernel_fixture_sum(scene->fixture, true, 0, TRANSFERS_CHAT_PORT).bytes,
			 bytes);
	assert_int_equal(heard.n, 0);
}

/* The clerk holds nothing. */
static void questions_of_the_innocent_are_not_looked_at(void **state)
{
	const struct scene *scene = *state;
	size_t bytes = make_query((uint8_t *)scene_data(scene, CLERK));

	when_written(scene, when_connected(scene, SOCK_DGRAM), bytes);
	assert_int_equal(kernel_fixture_count_flows(scene->fixture), 0);
	assert_int_equal(heard.n, 0);
}

static int start_peers(void **state)
{
	return transfers_start_peers(state) < 0 ? -1 : start_server(state);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_the_scene, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_question_is_told_and_its_flow_is_a_lookup),
		STORY(a_question_to_a_server_that_is_named_with_it_is_told),
		STORY(questions_in_messages_are_told),
		STORY(a_question_in_a_stream_is_told),
		STORY(its_length_may_be_a_buffer_of_its_own),
		STORY(what_is_no_plain_query_is_no_lookup),
		STORY(one_message_that_is_none_makes_all_of_it_none),
		STORY(what_goes_elsewhere_is_no_question),
		STORY(questions_of_the_innocent_are_not_looked_at),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, start_peers, NULL);
}
