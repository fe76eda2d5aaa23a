/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "collector/pipeline.h"
#include "event/event_codec.h"
#include "support/policy_fixture.h"
#include "support/transport_fixture.h"
#include "wire/identity.h"

enum {
	/* No two of its bytes or groups of seven bits are such as occur by chance. */
	LOGIN_UID = 1517123407,
	PATIENCE_MS = 20000,
	SMALL_DISK_KIB = 3072,
	MAX_FILE_BYTES = 64 * 1024 * 1024,
};

static const char POLICY[] = "[class \"customer.contact\"]\n"
			     "[crm \"crm\"]\n"
			     "host = 127.0.0.9\n"
			     "port = 443\n"
			     "class = customer.contact\n";

struct seen {
	uint64_t n_records;
	char person[32];
	bool is_one_person;
};

static struct policy_fixture *policy;
static char *dir, *identity_dir, *collector_dir;
static sd_event *loop;
static struct seen seen;

static int have_own_mounts(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return 0;
	print_message("no mount namespace (not root?): a small disk cannot be made\n");
	return -1;
}

static int set_up(void **state)
{
	if (policy_fixture_setup(state) < 0)
		return -1;
	policy = *state;
	policy_fixture_load(policy, POLICY);
	policy_fixture_assert_loaded(policy);
	dir = transport_make_dir();
	if (asprintf(&identity_dir, "%s/identity", dir) < 0 ||
	    asprintf(&collector_dir, "%s/collector", dir) < 0)
		return -1;
	memset(&seen, 0, sizeof(seen));
	return identity_ensure(identity_dir, TRANSPORT_AGENT) < 0 || sd_event_new(&loop) < 0 ? -1
											     : 0;
}

static int tear_down(void **state)
{
	sd_event_unref(TAKE(loop));
	free(TAKE(identity_dir));
	free(TAKE(collector_dir));
	transport_remove_dir(TAKE(dir));
	return policy_fixture_teardown(state);
}

static void on_records(void *userdata, const struct store_record *records, size_t n_records)
{
	struct seen *all = userdata;

	for (size_t i = 0; i < n_records; i++) {
		assert_true(records[i].id > 0);
		assert_non_null(records[i].person);
		if (all->n_records++ == 0) {
			snprintf(all->person, sizeof(all->person), "%s", records[i].person);
			all->is_one_person = true;
		}
		if (strcmp(all->person, records[i].person) != 0)
			all->is_one_person = false;
	}
}

static struct collector_config make_config(void)
{
	return (struct collector_config){
		.data_dir = dir,
		.policy = policy->policy,
		.on_records = on_records,
		.userdata = &seen,
	};
}

static struct collector *start_collector(void)
{
	struct collector_config config = make_config();
	struct collector *collector = NULL;

	assert_int_equal(collector_new(loop, &config, &collector), 0);
	return collector;
}

static struct event *make_event(void)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->kind = EVENT_FLOW;
	event->boot_id = strdup("boot");
	event->direction = EVENT_DIRECTION_OUT;
	event->time_ns = UINT64_C(1700000001000000000);
	event->flow_first_ns = UINT64_C(1700000000000000000);
	event->app.id = 3;
	event->app.login_uid = LOGIN_UID;
	event->app.exe = strdup("/usr/bin/cp");
	event->object.kind = EVENT_OBJECT_FILE;
	event->object.ino = 77;
	event->object.name = strdup("/home/zhangsanfeng/list.csv");
	assert_int_equal(event_add_label(event, "customer.contact"), 0);
	return event;
}

/* What one person did: n reports of a growing flow, into the agent's spool. */
static void append(struct transport_agent *agent, uint64_t n)
{
	_cleanup_(event_freep) struct event *event = make_event();

	for (uint64_t i = 1; i <= n; i++) {
		_cleanup_free_ uint8_t *data = NULL;
		size_t size;

		event->bytes_total = 1000 * i;
		assert_int_equal(event_encode(event, &data, &size), 0);
		assert_int_equal(spool_append(agent->spool, data, size, NULL), 0);
	}
	assert_int_equal(spool_sync(agent->spool), 0);
	uplink_notify(agent->uplink);
}

static void run_until_acknowledged(struct transport_agent *agent)
{
	transport_run_until(loop, transport_agent_has_no_backlog, agent, PATIENCE_MS);
}

static bool has_worked_all_out(void *userdata)
{
	struct collector_status status;

	assert_int_equal(collector_get_status(userdata, &status), 0);
	return status.stages[COLLECTOR_N_STAGES - 1].waiting == 0;
}

/* At rest: incidents are worked out behind the acknowledgement. */
static void assert_every_stage_accounts(struct collector *collector)
{
	struct collector_status status;

	transport_run_until(loop, has_worked_all_out, collector, PATIENCE_MS);
	assert_int_equal(collector_get_status(collector, &status), 0);
	for (int i = 0; i < COLLECTOR_N_STAGES; i++) {
		const struct collector_stage *stage = &status.stages[i];

		if (stage->in != stage->out + stage->dropped)
			fail_msg("%s: %lu in, %lu out, %lu dropped", stage->name, stage->in,
				 stage->out, stage->dropped);
	}
}

static bool holds(const char *data, size_t size, const void *pattern, size_t pattern_size)
{
	return memmem(data, size, pattern, pattern_size) != NULL;
}

static void assert_names_nobody(const char *path)
{
	const uint32_t uid = LOGIN_UID, swapped = __builtin_bswap32(uid);
	_cleanup_free_ char *data = NULL;
	uint8_t varint[5];
	char text[16];
	size_t size;

	for (int i = 0; i < 5; i++)
		varint[i] = (uint8_t)((uid >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
	snprintf(text, sizeof(text), "%u", uid);
	assert_int_equal(file_read_all(path, MAX_FILE_BYTES, &data, &size), 0);
	assert_false(holds(data, size, text, strlen(text)));
	assert_false(holds(data, size, &uid, sizeof(uid)));
	assert_false(holds(data, size, &swapped, sizeof(swapped)));
	assert_false(holds(data, size, varint, sizeof(varint)));
	assert_false(holds(data, size, "zhangsanfeng", 12));
}

static size_t for_each_file(const char *folder, void (*visit)(const char *path))
{
	DIR *stream = opendir(folder);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_type != DT_REG)
			continue;
		assert_true(asprintf(&path, "%s/%s", folder, entry->d_name) > 0);
		visit(path);
		n++;
	}
	closedir(stream);
	return n;
}

static void what_a_person_did_arrives_and_who_it_was_does_not(void **state)
{
	struct collector *collector = start_collector();
	struct transport_agent agent;

	(void)state;
	transport_agent_start(&agent, loop, identity_dir, dir, collector_port(collector), NULL,
			      NULL);
	append(&agent, 300);
	run_until_acknowledged(&agent);
	assert_int_equal(seen.n_records, 300);
	assert_true(seen.is_one_person);
	assert_every_stage_accounts(collector);
	/* With the write-ahead logs, and again when they are folded in. */
	assert_true(for_each_file(collector_dir, assert_names_nobody) >= 3);
	transport_agent_stop(&agent);
	collector_free(collector);
	assert_true(for_each_file(collector_dir, assert_names_nobody) >= 3);
}

static bool is_refused(void *userdata)
{
	struct collector_status status;

	assert_int_equal(collector_get_status(userdata, &status), 0);
	return status.batches_refused >= 2 && status.last_error == -ENOSPC;
}

static void a_full_disk_acknowledges_nothing_and_loses_nothing(void **state)
{
	struct collector *collector;
	struct transport_agent agent;
	struct collector_status status;
	char person[sizeof(seen.person)];

	(void)state;
	assert_true(transport_mount_small_disk(collector_dir, SMALL_DISK_KIB));
	collector = start_collector();
	transport_agent_start(&agent, loop, identity_dir, dir, collector_port(collector), NULL,
			      NULL);
	append(&agent, 10);
	run_until_acknowledged(&agent);
	memcpy(person, seen.person, sizeof(person));

	transport_fill_disk(collector_dir);
	append(&agent, 2000);
	transport_run_until(loop, is_refused, collector, PATIENCE_MS);
	assert_false(transport_agent_has_no_backlog(&agent));
	transport_free_disk(collector_dir);
	run_until_acknowledged(&agent);

	assert_int_equal(seen.n_records, 2010);
	/* Batches that were tried more than once lead to the same person as the first. */
	assert_true(seen.is_one_person);
	assert_string_equal(seen.person, person);
	assert_int_equal(collector_get_status(collector, &status), 0);
	assert_int_equal(status.last_error, 0);
	assert_int_equal(status.store.events, 2010);
	assert_every_stage_accounts(collector);
	transport_agent_stop(&agent);
	collector_free(collector);
	transport_unmount(collector_dir);
}

static void a_collector_that_comes_back_has_each_event_once(void **state)
{
	struct collector *collector = start_collector();
	struct collector_status status;
	struct transport_agent agent;
	struct collector_config config = make_config();

	(void)state;
	config.listen_port = collector_port(collector);
	transport_agent_start(&agent, loop, identity_dir, dir, config.listen_port, NULL, NULL);
	append(&agent, 50);
	run_until_acknowledged(&agent);
	collector_free(collector);
	append(&agent, 70);
	assert_int_equal(collector_new(loop, &config, &collector), 0);
	run_until_acknowledged(&agent);
	assert_int_equal(collector_get_status(collector, &status), 0);
	assert_int_equal(status.store.events, 120);
	transport_agent_stop(&agent);
	collector_free(collector);
}

static void the_status_can_be_read_from_its_file(void **state)
{
	struct collector *collector = start_collector();
	_cleanup_free_ char *path = NULL;
	json_t *status, *stage;
	size_t i;

	(void)state;
	collector_free(collector);
	assert_true(asprintf(&path, "%s/status.json", collector_dir) > 0);
	status = json_load_file(path, 0, NULL);
	assert_non_null(status);
	assert_true(json_integer_value(json_object_get(status, "time_ns")) > 0);
	assert_true(json_is_null(json_object_get(status, "last_error")));
	assert_int_equal(json_array_size(json_object_get(status, "stages")), COLLECTOR_N_STAGES);
	json_array_foreach(json_object_get(status, "stages"), i, stage)
		assert_true(json_is_integer(json_object_get(stage, "dropped")));
	assert_true(json_is_integer(json_object_get(json_object_get(status, "store"), "events")));
	json_decref(status);
}

static void what_prevents_a_start_is_an_error_and_harms_no_other(void **state)
{
	struct collector *collector = start_collector(), *second = NULL;
	struct collector_config config = make_config();
	_cleanup_free_ char *other = NULL, *certificate = NULL;

	(void)state;
	assert_int_equal(collector_new(loop, &config, &second), -EBUSY);
	assert_true(asprintf(&other, "%s/other", dir) > 0);
	config.data_dir = other;
	config.identity_dir = identity_dir;
	config.listen_port = collector_port(collector);
	assert_int_equal(collector_new(loop, &config, &second), -EADDRINUSE);
	config.listen_port = 0;
	config.identity_dir = "/nonexistent";
	assert_int_equal(collector_new(loop, &config, &second), -ENOENT);
	config.identity_dir = identity_dir;
	config.listen_address = "nowhere";
	assert_int_equal(collector_new(loop, &config, &second), -EINVAL);
	assert_null(second);
	collector_free(collector);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_a_person_did_arrives_and_who_it_was_does_not),
		TEST(a_full_disk_acknowledges_nothing_and_loses_nothing),
		TEST(a_collector_that_comes_back_has_each_event_once),
		TEST(the_status_can_be_read_from_its_file),
		TEST(what_prevents_a_start_is_an_error_and_harms_no_other),
	};

	return cmocka_run_group_tests(tests, have_own_mounts, NULL);
}
