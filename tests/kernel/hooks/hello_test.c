/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hellos of QUIC: what labelled data's sender sends first to a peer by UDP is handed to the
 * agent, which finds the host in it.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "agent/enrich/quic_names.h"
#include "kernel/coverage.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"
#include "policy/policy.h"
#include "support/quic_client.h"

/* The scene, and one more sensor that has taken over: whom the fixture's does not tell it tells. */
struct audience {
	struct scene *scene;
	struct policy *policy;
	sd_event *loop;
	struct sensor *sensor;
	struct quic_names *names;
	struct quic_peer peer; /* of the hello that came last */
	unsigned int n_hellos, n_flows;
};

static void on_hello(void *userdata, const struct sensor_hello *hello)
{
	struct audience *audience = userdata;

	audience->n_hellos++;
	audience->peer =
		(struct quic_peer){hello->app_id, hello->peer, hello->port, hello->local_port};
	assert_int_equal(
		quic_names_take(audience->names, &audience->peer, hello->datagram, hello->bytes),
		0);
}

/* Its hello has come before it. */
static void on_flow(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app)
{
	struct audience *audience = userdata;
	const struct quic_peer peer = {flow->app_id, flow->peer, flow->port, flow->local_port};

	(void)app;
	if (flow->protocol != IPPROTO_UDP)
		return;
	audience->n_flows++;
	assert_true(flow->is_out);
	if (audience->n_hellos)
		assert_non_null(quic_names_find(audience->names, &peer));
}

static void on_path(void *userdata, const struct sensor_path *path, const struct sensor_app *app)
{
	(void)userdata;
	(void)path;
	(void)app;
}

static int seat(void **state)
{
	struct audience *audience = calloc(1, sizeof(*audience));
	const struct sensor_handler handler = {
		.flow = on_flow, .path = on_path, .hello = on_hello, .userdata = audience};
	struct policy_problems problems = {};
	struct sensor_config config = {};
	char pin_dir[128], *reason = NULL;
	void *scene;

	scene_set(&scene);
	audience->scene = scene;
	kernel_fixture_kill_sensor(audience->scene->fixture);
	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/%s",
		 strrchr(kernel_fixture_folder(audience->scene->fixture), '/') + 1);
	config.pin_dir = pin_dir;
	assert_int_equal(policy_load(scene_path(audience->scene, "policy.conf"), &audience->policy,
				     &problems),
			 0);
	assert_true(sd_event_new(&audience->loop) >= 0);
	assert_int_equal(quic_names_new(8, &audience->names), 0);
	assert_int_equal(sensor_new(audience->loop, &config, audience->policy, &handler,
				    &audience->sensor, &reason),
			 0);
	*state = audience;
	return 0;
}

static int leave(void **state)
{
	struct audience *audience = *state;
	void *scene = audience->scene;

	sensor_free(audience->sensor);
	quic_names_free(audience->names);
	sd_event_unref(audience->loop);
	policy_free(audience->policy);
	kernel_fixture_restart_sensor(audience->scene->fixture);
	free(audience);
	return scene_strike(&scene);
}

static const char *told_host(struct audience *audience)
{
	const struct quic_hello_name *name;

	assert_int_equal(sensor_sweep(audience->sensor), 0);
	name = quic_names_find(audience->names, &audience->peer);
	return name ? name->host : "";
}

static struct sockaddr_in *peer_of(const struct scene *scene)
{
	struct sockaddr_in *peer = &letter_of(scene, CLERK)->peers[0];

	*peer = (struct sockaddr_in){.sin_family = AF_INET,
				     .sin_port = htons(TRANSFERS_CHAT_PORT),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	return peer;
}

static void given_datagram(const struct scene *scene)
{
	uint8_t frame[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();

	quic_client_seal(&client, frame, quic_client_rfc_frame(frame),
			 (uint8_t *)scene_data(scene, CLERK));
}

static void when_sent(const struct scene *scene)
{
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);

	given_datagram(scene);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    QUIC_CLIENT_DATAGRAM_BYTES, 0, (long)peer_of(scene),
				    sizeof(struct sockaddr_in)),
			 QUIC_CLIENT_DATAGRAM_BYTES);
}

static void a_hello_to_a_named_peer_names_the_host(void **state)
{
	struct audience *audience = *state;

	scene_read_source(audience->scene, CLERK);
	when_sent(audience->scene);
	assert_string_equal(told_host(audience), "example.com");
	assert_int_equal(audience->n_flows, 1);
	coverage_note("host by QUIC server name", COVERAGE_EXACT);
}

/* As browsers and libraries send them. */
static void a_hello_in_a_list_of_messages_names_the_host(void **state)
{
	struct audience *audience = *state;
	const struct scene *scene = audience->scene;
	struct letter *letter = letter_of(scene, CLERK);
	int fd;

	scene_read_source(scene, CLERK);
	given_datagram(scene);
	fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)peer_of(scene),
				    sizeof(struct sockaddr_in)),
			 0);
	letter->parts[0] = (struct iovec){scene_data(scene, CLERK), QUIC_CLIENT_DATAGRAM_BYTES};
	letter->messages[0] =
		(struct mmsghdr){.msg_hdr = {.msg_iov = letter->parts, .msg_iovlen = 1}};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd, (long)letter->messages, 1, 0),
			 1);
	assert_string_equal(told_host(audience), "example.com");
}

static void other_datagrams_stay_where_they_are(void **state)
{
	struct audience *audience = *state;
	const struct scene *scene = audience->scene;
	int fd;

	scene_read_source(scene, CLERK);
	fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES, 0, (long)peer_of(scene),
				    sizeof(struct sockaddr_in)),
			 SCENE_BYTES);
	assert_string_equal(told_host(audience), "");
	assert_int_equal(audience->n_hellos, 0);
	assert_int_equal(audience->n_flows, 1);
}

static void hellos_of_the_innocent_are_not_looked_at(void **state)
{
	struct audience *audience = *state;

	when_sent(audience->scene);
	assert_string_equal(told_host(audience), "");
	assert_int_equal(audience->n_hellos, 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, seat, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_hello_to_a_named_peer_names_the_host),
		STORY(a_hello_in_a_list_of_messages_names_the_host),
		STORY(other_datagrams_stay_where_they_are),
		STORY(hellos_of_the_innocent_are_not_looked_at),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
