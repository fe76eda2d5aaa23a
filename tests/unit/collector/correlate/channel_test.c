/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

#define ADDRESS "203.0.113.7"

static const char property[] = "policy.property";
static const struct story_app curl = {11, "/usr/bin/curl"}, ssh = {12, "/usr/bin/ssh"};

/* The app takes labelled rows and gives them to a port of the address. */
static void sends(struct story *story, struct story_app app, uint64_t connection, uint32_t port,
		  const char *host, const char *zone_kind)
{
	char name[64];
	struct story_place place = {
		EVENT_OBJECT_SOCKET, EVENT_ROLE_SINK, connection, name, ADDRESS, NULL, zone_kind};
	struct event *event;

	snprintf(name, sizeof(name), ADDRESS ":%u/tcp", port);
	event = story_event(story, EVENT_EGRESS, app, place);
	event->direction = EVENT_DIRECTION_OUT;
	event->flow_first_ns = story->now_ns;
	event->bytes_total = 5000;
	event->calls_total = 1;
	event->object.port = port;
	event->object.host = host ? strdup(host) : NULL;
	event->object.host_source = host ? EVENT_HOST_TLS : EVENT_HOST_NONE;
	assert_int_equal(event_add_label(event, property), 0);
	story_sends(story, event);
	story_waits(story, 1000000000);
}

static void given_rows(struct story *story, struct story_app app)
{
	story_reads(story, app, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
}

static void check_channel(struct story *story, const char *channel)
{
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, ADDRESS);

	assert_int_equal(incident->n_sinks, 1);
	assert_string_equal(incident->sinks[0].channel, channel);
}

static void check_port(void **state, uint32_t port, const char *channel)
{
	given_rows(*state, curl);
	sends(*state, curl, 100, port, NULL, NULL);
	check_channel(*state, channel);
}

#define PORT_TEST(name, port, channel)            \
	static void name(void **state)            \
	{                                         \
		check_port(state, port, channel); \
	}

PORT_TEST(an_https_upload_is_web, 443, "web")
PORT_TEST(port_25_is_mail, 25, "smtp")
PORT_TEST(port_53_is_dns, 53, "dns")
PORT_TEST(port_873_is_rsync, 873, "rsync")
PORT_TEST(port_9418_is_git, 9418, "git")
PORT_TEST(a_port_that_says_nothing_is_tcp, 4444, "tcp")

static void a_host_that_is_known_for_mail_is_webmail(void **state)
{
	given_rows(*state, curl);
	sends(*state, curl, 100, 443, "mail.google.com", NULL);
	check_channel(*state, "webmail");
}

static void what_only_ends_like_a_known_host_is_web(void **state)
{
	given_rows(*state, curl);
	sends(*state, curl, 100, 443, "notgithub.com", NULL);
	check_channel(*state, "web");
}

static void the_policy_says_more_than_a_web_port(void **state)
{
	given_rows(*state, curl);
	sends(*state, curl, 100, 443, NULL, "mail");
	check_channel(*state, "webmail");
}

static void the_port_of_ssh_says_more_than_the_policy(void **state)
{
	given_rows(*state, ssh);
	sends(*state, ssh, 100, 22, NULL, "cloud");
	check_channel(*state, "ssh");
}

static void ssh_carries_what_scp_gives_it(void **state)
{
	static const struct story_app scp = {13, "/usr/bin/scp"};
	const struct story_place pipe = story_pipe(9);

	given_rows(*state, scp);
	story_writes(*state, scp, pipe, property, NULL, 5000);
	story_reads(*state, ssh, pipe, property, NULL, 5000);
	sends(*state, ssh, 100, 22, NULL, NULL);
	check_channel(*state, "scp");
}

static void ftp_data_goes_by_any_port(void **state)
{
	static const struct story_app python = {14, "/usr/bin/python3"};

	given_rows(*state, python);
	sends(*state, python, 100, 21, NULL, NULL);
	sends(*state, python, 101, 51234, NULL, NULL);
	check_channel(*state, "ftp");
}

/* All that it says to port 21 may come before it holds any rows. */
static void a_client_of_ftp_needs_no_port(void **state)
{
	static const struct story_app ftp = {14, "/usr/bin/tnftp"};

	given_rows(*state, ftp);
	sends(*state, ftp, 101, 51234, NULL, NULL);
	check_channel(*state, "ftp");
}

static void two_ways_to_one_place_are_told_apart(void **state)
{
	static const char english[] = " It left by web upload, SSH.",
			  chinese[] = "外发渠道：网页上传、SSH。";
	_cleanup_free_ char *text = NULL, *text_zh = NULL;

	given_rows(*state, curl);
	given_rows(*state, ssh);
	sends(*state, curl, 100, 443, NULL, NULL);
	sends(*state, ssh, 101, 22, NULL, NULL);
	_cleanup_(incident_freep) struct incident *incident = story_incident(*state, ADDRESS);
	assert_int_equal(incident->n_sinks, 2);
	assert_int_equal(incident_explain(incident, "en", &text), 0);
	assert_non_null(strstr(text, english));
	assert_int_equal(incident_explain(incident, "zh", &text_zh), 0);
	assert_non_null(strstr(text_zh, chinese));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(an_https_upload_is_web),
		STORY_TEST(port_25_is_mail),
		STORY_TEST(port_53_is_dns),
		STORY_TEST(port_873_is_rsync),
		STORY_TEST(port_9418_is_git),
		STORY_TEST(a_port_that_says_nothing_is_tcp),
		STORY_TEST(a_host_that_is_known_for_mail_is_webmail),
		STORY_TEST(what_only_ends_like_a_known_host_is_web),
		STORY_TEST(the_policy_says_more_than_a_web_port),
		STORY_TEST(the_port_of_ssh_says_more_than_the_policy),
		STORY_TEST(ssh_carries_what_scp_gives_it),
		STORY_TEST(ftp_data_goes_by_any_port),
		STORY_TEST(a_client_of_ftp_needs_no_port),
		STORY_TEST(two_ways_to_one_place_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
