/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/hello.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"

#define HOST "Claims.Example-Shop.test"
#define HOST_AS_TOLD "claims.example-shop.test"

static int when_connected(const struct scene *scene, int type)
{
	int fd = letter_socket(scene, CLERK, AF_INET, type);
	struct letter *letter = letter_of(scene, CLERK);

	letter->peers[0] = (struct sockaddr_in){.sin_family = AF_INET,
						.sin_port = htons(TRANSFERS_CHAT_PORT),
						.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 0);
	return fd;
}

static void when_written(const struct scene *scene, int fd, const void *data, size_t bytes)
{
	memcpy(scene_data(scene, CLERK), data, bytes);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK),
				    (long)bytes),
			 bytes);
}

static void when_said(const struct scene *scene, int fd, const char *text)
{
	when_written(scene, fd, text, strlen(text));
}

static void check_host(const struct scene *scene, const char *host, enum sensor_host_source source)
{
	enum sensor_host_source told;

	assert_string_equal(kernel_fixture_host(scene->fixture, &told), host);
	assert_int_equal(told, source);
}

static void a_tls_hello_names_the_host(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(HOST, hello);

	scene_read_source(*state, CLERK);
	when_written(*state, when_connected(*state, SOCK_STREAM), hello, bytes);
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_TLS);
	coverage_note("host by TLS server name", COVERAGE_EXACT);
}

static void a_hello_that_may_hide_another_one_is_told_from_others(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make_front(HOST, hello);

	scene_read_source(*state, CLERK);
	when_written(*state, when_connected(*state, SOCK_STREAM), hello, bytes);
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_TLS_FRONT);
}

/* In the clerk's data, as the first part of its letter; a connection that it may go out by. */
static int given_hello(const struct scene *scene, size_t *ret_bytes)
{
	struct letter *letter = letter_of(scene, CLERK);
	char hello[HELLO_BYTES], *data = scene_data(scene, CLERK);
	int fd;

	*ret_bytes = hello_make(HOST, hello);
	scene_read_source(scene, CLERK);
	fd = when_connected(scene, SOCK_STREAM);
	memcpy(data, hello, *ret_bytes);
	letter->parts[0] = (struct iovec){data, *ret_bytes};
	return fd;
}

static void a_hello_in_several_buffers_names_the_host(void **state)
{
	const struct scene *scene = *state;
	struct letter *letter = letter_of(scene, CLERK);
	size_t bytes;
	int fd = given_hello(scene, &bytes);

	letter->parts[1] = (struct iovec){scene_data(scene, CLERK), 10};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_writev, fd, (long)letter->parts, 2),
			 bytes + 10);
	check_host(scene, HOST_AS_TOLD, SENSOR_HOST_TLS);
}

static void a_message_with_a_hello_names_the_host(void **state)
{
	const struct scene *scene = *state;
	struct letter *letter = letter_of(scene, CLERK);
	size_t bytes;
	int fd = given_hello(scene, &bytes);

	letter->messages[0] =
		(struct mmsghdr){.msg_hdr = {.msg_iov = letter->parts, .msg_iovlen = 1}};
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmsg, fd, (long)&letter->messages[0].msg_hdr, 0),
		bytes);
	check_host(scene, HOST_AS_TOLD, SENSOR_HOST_TLS);
}

static void a_hello_behind_other_words_names_the_host(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(HOST, hello);
	int fd;

	scene_read_source(*state, CLERK);
	fd = when_connected(*state, SOCK_STREAM);
	when_said(*state, fd, "EHLO workstation\r\n");
	when_said(*state, fd, "STARTTLS\r\n");
	when_written(*state, fd, hello, bytes);
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_TLS);
}

static void a_request_names_the_host(void **state)
{
	scene_read_source(*state, CLERK);
	when_said(*state, when_connected(*state, SOCK_STREAM),
		  "POST /upload HTTP/1.1\r\nAccept: */*\r\nhost: " HOST ":8080\r\n\r\n");
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_HTTP);
	coverage_note("host by HTTP Host", COVERAGE_EXACT);
}

static void a_proxy_is_told_the_host(void **state)
{
	scene_read_source(*state, CLERK);
	when_said(*state, when_connected(*state, SOCK_STREAM),
		  "CONNECT " HOST ":443 HTTP/1.1\r\nHost: another.test\r\n\r\n");
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_CONNECT);
	coverage_note("host by HTTP CONNECT", COVERAGE_EXACT);
}

/* Its target says where to; the Host is for whoever takes the proxy for a server. RFC 9112 3.2.2 */
static void a_proxy_is_told_the_host_by_the_target(void **state)
{
	scene_read_source(*state, CLERK);
	when_said(*state, when_connected(*state, SOCK_STREAM),
		  "POST HTTP://" HOST ":8080/upload HTTP/1.1\r\nHost: another.test\r\n\r\n");
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_HTTP);
}

/* A name before the host is that of whoever asks, and stays here. */
static void who_asks_is_not_whom_it_is_for(void **state)
{
	scene_read_source(*state, CLERK);
	when_said(*state, when_connected(*state, SOCK_STREAM),
		  "POST https://alice:secret@" HOST
		  "/upload HTTP/1.1\r\nHost: another.test\r\n\r\n");
	check_host(*state, HOST_AS_TOLD, SENSOR_HOST_HTTP);
}

/* Text that is no name is not taken for one, whatever stands before it. */
static void what_is_no_name_names_nothing(void **state)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nHost: \xe5\xbc\xa0\xe4\xb8\x89\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"POST /x HTTP/1.1\r\nX-Host: " HOST "\r\n\r\n",
		"BREW / HTTP/1.1\r\nHost: " HOST "\r\n\r\n",
		"\x16\x03\x01\xff\xff\x01\xff\xff\xff\x03\x03 and nothing of all that was promised",
	};
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(NULL, hello);

	scene_read_source(*state, CLERK);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		when_said(*state, when_connected(*state, SOCK_STREAM), texts[i]);
	when_written(*state, when_connected(*state, SOCK_STREAM), hello, bytes);
	check_host(*state, "", SENSOR_HOST_NONE);
}

static void what_is_cut_off_in_the_name_names_nothing(void **state)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(HOST, hello), i;

	scene_read_source(*state, CLERK);
	for (i = 0; i + strlen(HOST) < bytes && memcmp(hello + i, HOST, strlen(HOST)) != 0; i++)
		;
	assert_true(i + strlen(HOST) < bytes);
	when_written(*state, when_connected(*state, SOCK_STREAM), hello, i + strlen(HOST) - 1);
	when_said(*state, when_connected(*state, SOCK_STREAM), "GET / HTTP/1.1\r\nHost: " HOST);
	check_host(*state, "", SENSOR_HOST_NONE);
}

/* The clerk holds nothing. */
static void hosts_of_the_innocent_are_not_looked_at(void **state)
{
	const struct scene *scene = *state;

	when_said(scene, when_connected(scene, SOCK_STREAM),
		  "GET / HTTP/1.1\r\nHost: " HOST "\r\n\r\n");
	check_host(scene, "", SENSOR_HOST_NONE);
	assert_int_equal(kernel_fixture_count_flows(scene->fixture), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_tls_hello_names_the_host),
		STORY(a_hello_that_may_hide_another_one_is_told_from_others),
		STORY(a_hello_in_several_buffers_names_the_host),
		STORY(a_message_with_a_hello_names_the_host),
		STORY(a_hello_behind_other_words_names_the_host),
		STORY(a_request_names_the_host),
		STORY(a_proxy_is_told_the_host),
		STORY(a_proxy_is_told_the_host_by_the_target),
		STORY(who_asks_is_not_whom_it_is_for),
		STORY(what_is_no_name_names_nothing),
		STORY(what_is_cut_off_in_the_name_names_nothing),
		STORY(hosts_of_the_innocent_are_not_looked_at),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
