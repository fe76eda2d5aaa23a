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

#define SERIAL "4C530001230101114273"
#define DISK "USB disk SanDisk Ultra " SERIAL
#define DAY_NS (24 * STORY_HOUR_NS)

static const char property[] = "policy.property";
static const struct story_app python = {11, "/usr/bin/python3"}, cp = {12, "/usr/bin/cp"};
static const struct story_app zip = {13, "/usr/bin/zip"}, nc = {14, "/usr/bin/nc"};

static void given_rows(struct story *story)
{
	story_looks_up(story, python, 50, 11);
	story_writes(story, python, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
}

static struct event *egress(struct story *story, struct story_app app, uint64_t ino,
			    const char *name, uint64_t bytes)
{
	const struct story_place place = {
		EVENT_OBJECT_FILE, EVENT_ROLE_SINK, ino, name, NULL, DISK, "usb"};
	struct event *event = story_event(story, EVENT_EGRESS, app, place);

	event->direction = EVENT_DIRECTION_OUT;
	event->flow_first_ns = story->now_ns;
	event->bytes_total = bytes;
	event->calls_total = 1;
	event->object.vendor = strdup("SanDisk");
	event->object.model = strdup("Ultra");
	event->object.serial = strdup(SERIAL);
	event->object.volume = strdup("1A2B-3C4D");
	assert_int_equal(event_add_label(event, property), 0);
	return event;
}

static void when_copied(struct story *story, uint64_t ino)
{
	char name[64];

	snprintf(name, sizeof(name), "/media/~/DISK/rows-%u.csv", (unsigned int)ino);
	story_reads(story, cp, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
	story_sends(story, egress(story, cp, ino, name, 5000));
	story_waits(story, 1000000000);
}

static const struct incident_addend *addend_of(const struct incident *incident, size_t n)
{
	for (size_t i = 0; i < incident->n_addends; i++)
		if (strcmp(incident->addends[i].detector, "removable_media") == 0 && n-- == 0)
			return &incident->addends[i];
	return NULL;
}

static void a_copy_on_a_stick_is_told_with_maker_model_and_serial(void **state)
{
	struct story *story = *state;

	given_rows(story);
	when_copied(story, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(story_points(incident, "removable_media"), 20);
	assert_true(story_has_attack(incident, "T1052.001"));
	assert_false(story_has_attack(incident, "T1048"));
	assert_string_equal(
		addend_of(incident, 0)->reason,
		"The data went onto a USB disk: vendor SanDisk, model Ultra, serial " SERIAL
		", file system 1A2B-3C4D.");
	assert_string_equal(addend_of(incident, 0)->reason_zh,
			    "数据写入了 USB 磁盘：厂商 SanDisk，型号 Ultra，序列号 " SERIAL
			    "，文件系统 1A2B-3C4D。");
	assert_string_equal(incident->sinks[0].name, DISK);
	assert_string_equal(incident->sinks[0].kind, "usb");
}

static void many_files_on_it_are_one_sink(void **state)
{
	struct story *story = *state;

	given_rows(story);
	for (uint64_t ino = 100; ino < 110; ino++)
		when_copied(story, ino);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(incident->n_sinks, 1);
	assert_int_equal(incident->bytes_out, 50000);
}

/* The copy is an incident of its own; the one behind it is not of the disk and not of cp. */
static void what_is_sent_from_it_went_to_that_recipient_only(void **state)
{
	struct story *story = *state;
	const struct story_place copy = {EVENT_OBJECT_FILE,
					 EVENT_ROLE_SINK,
					 100,
					 "/media/~/DISK/rows-100.csv",
					 NULL,
					 DISK,
					 "usb"};

	given_rows(story);
	when_copied(story, 100);
	story_reads(story, nc, copy, property, NULL, 5000);
	story_writes(story, nc, story_peer(60, "pan.test"), property, NULL, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->n_sinks, 1);
	assert_string_equal(incident->sinks[0].name, "pan.test");
	assert_int_equal(incident->bytes_out, 5000);
	assert_int_equal(story_points(incident, "removable_media"), 0);
	assert_non_null(strstr(incident->addends[0].reason, "nc sent 5,000 bytes"));
	assert_string_equal(incident->sources[0].kind, "crm");
}

static void months_later_it_is_the_same_disk(void **state)
{
	struct story *story = *state;

	given_rows(story);
	when_copied(story, 100);
	story_waits(story, 100 * DAY_NS);
	story->person = "P-00000000bb";
	given_rows(story);
	when_copied(story, 101);
	assert_int_equal(story_count_incidents(story), 2);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(story_points(incident, "removable_media"), 35);
	assert_non_null(strstr(addend_of(incident, 1)->reason,
			       "had taken customer data before: incident 1 (" STORY_PERSON ", "));
	assert_non_null(strstr(addend_of(incident, 1)->reason_zh,
			       "此前已写入过客户数据：安全事件 1（" STORY_PERSON "，"));
}

static void the_collector_remembers_the_disk_over_a_restart(void **state)
{
	struct story *story = *state;

	given_rows(story);
	when_copied(story, 100);
	story_restarts(story);
	story_waits(story, 100 * DAY_NS);
	given_rows(story);
	when_copied(story, 101);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(story_points(incident, "removable_media"), 35);
}

/* An agent without a network delivers an old egress after a younger one. */
static void what_comes_late_is_told_to_what_came_after_it(void **state)
{
	struct story *story = *state;
	uint64_t now_ns;

	given_rows(story);
	story_waits(story, 100 * DAY_NS);
	when_copied(story, 101);
	now_ns = story->now_ns;
	story->now_ns -= 90 * DAY_NS;
	when_copied(story, 100);
	story->now_ns = now_ns;
	_cleanup_(incident_freep) struct incident *younger = NULL;
	struct store_incident **stored = NULL;
	size_t n_stored = 0;

	assert_int_equal(store_list_incidents(story->store, &stored, &n_stored), 0);
	assert_int_equal(n_stored, 2);
	for (size_t i = 0; i < n_stored; i++) {
		if (stored[i]->first_ns + DAY_NS > now_ns)
			assert_int_equal(incident_from_stored(stored[i], &younger), 0);
		store_incident_free(stored[i]);
	}
	free(stored);
	assert_non_null(younger);
	assert_int_equal(story_points(younger, "removable_media"), 35);
}

static void another_disk_has_no_past(void **state)
{
	struct story *story = *state;
	struct event *event;

	given_rows(story);
	when_copied(story, 100);
	story_waits(story, 100 * DAY_NS);
	event = egress(story, cp, 101, "/media/~/X/rows.csv", 5000);
	free(event->object.zone_name);
	event->object.zone_name = strdup("USB disk SanDisk Ultra AA04");
	story_sends(story, event);
	_cleanup_(incident_freep) struct incident *incident =
		story_incident(story, "USB disk SanDisk Ultra AA04");
	assert_int_equal(story_points(incident, "removable_media"), 20);
}

static void a_disk_without_a_serial_says_so(void **state)
{
	struct story *story = *state;
	struct event *event;

	given_rows(story);
	event = egress(story, cp, 101, "/media/~/X/rows.csv", 5000);
	free(event->object.serial);
	event->object.serial = NULL;
	story_sends(story, event);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_non_null(strstr(addend_of(incident, 0)->reason, "(it has no serial number)"));
}

static void company_sticks_weigh_less_and_are_not_hidden(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[sink \"ours\"]\ndevice = usb\nserial = 4C53*\nallowed = yes\n");
	given_rows(story);
	when_copied(story, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(story_points(incident, "direct_egress"), 15);
	assert_int_equal(story_points(incident, "removable_media"), 20);
	assert_true(incident->sinks[0].allowed);
}

static void weights_are_the_policys(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[detect \"removable_media\"]\nweight = 7\nagain_weight = 3\n");
	given_rows(story);
	when_copied(story, 100);
	story_waits(story, 100 * DAY_NS);
	when_copied(story, 101);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(story_points(incident, "removable_media"), 10);
}

static void a_peer_in_the_network_is_no_medium(void **state)
{
	struct story *story = *state;

	given_rows(story);
	story_reads(story, cp, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
	story_writes(story, cp, story_peer(4, "pan.test"), property, NULL, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "removable_media"), 0);
}

/* What is written to a disk has a name, unlike what goes over a wire. */
static void an_archive_made_on_the_disk_is_disguise(void **state)
{
	struct story *story = *state;

	given_rows(story);
	story_reads(story, zip, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
	story_sends(story, egress(story, zip, 102, "/media/~/DISK/photo.zip", 2000));
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DISK);
	assert_int_equal(story_points(incident, "obfuscation"), 20);
	assert_true(story_has_attack(incident, "T1560"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_copy_on_a_stick_is_told_with_maker_model_and_serial),
		STORY_TEST(many_files_on_it_are_one_sink),
		STORY_TEST(what_is_sent_from_it_went_to_that_recipient_only),
		STORY_TEST(months_later_it_is_the_same_disk),
		STORY_TEST(the_collector_remembers_the_disk_over_a_restart),
		STORY_TEST(what_comes_late_is_told_to_what_came_after_it),
		STORY_TEST(another_disk_has_no_past),
		STORY_TEST(a_disk_without_a_serial_says_so),
		STORY_TEST(company_sticks_weigh_less_and_are_not_hidden),
		STORY_TEST(weights_are_the_policys),
		STORY_TEST(a_peer_in_the_network_is_no_medium),
		STORY_TEST(an_archive_made_on_the_disk_is_disguise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
