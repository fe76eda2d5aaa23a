/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/enrich/place.h"
#include "agent/enrich/volume.h"
#include "base/cleanup.h"
#include "event/event.h"
#include "support/policy_fixture.h"

static const char policy_text[] =
	"[class \"a\"]\n[crm \"crm\"]\nhost = 10.0.0.1\nclass = a\n"
	"[export \"exports\"]\nfolder = /srv/exports, /media/li/exports\nclass = a\n"
	"[trusted \"inside\"]\nfolder = /home, /media/li/inside\nhost = nas.corp, 10.0.0.9\n"
	"[sink \"outside\"]\nhost = 10.0.0.8, out.corp\nkind = share\n"
	"[sink \"team\"]\nfolder = /home/*/Team\nkind = cloud\n"
	"[sink \"archive\"]\nuuid = 1A2B-*\n";

static const struct volume stick = {.disk = {"usb", "SanDisk", "Ultra", "4C53"},
				    .uuid = "0BAD-F00D",
				    .title = "USB disk SanDisk Ultra 4C53"};
static const struct volume built_in = {.disk = {"", "ATA", "SSD", "S1"},
				       .title = "disk ATA SSD S1"};

static struct volume share(const char *kind, const char *host, bool is_claimed)
{
	struct volume volume = {.disk.kind = kind, .title = "share", .is_claimed = is_claimed};

	snprintf(volume.host, sizeof(volume.host), "%s", host);
	return volume;
}

static struct event *describe(void **state, const char *path, const struct volume *volume,
			      bool is_out)
{
	struct policy_fixture *fixture = *state;
	struct event *event = event_new();

	if (!fixture->policy) {
		policy_fixture_load(fixture, policy_text);
		policy_fixture_assert_loaded(fixture);
	}
	assert_non_null(event);
	event->object.kind = EVENT_OBJECT_FILE;
	assert_int_equal(place_describe_path(fixture->policy, path, volume, is_out, event), 0);
	return event;
}

static enum event_role role_of(void **state, const char *path, const struct volume *volume)
{
	_cleanup_(event_freep) struct event *event = describe(state, path, volume, true);

	return event->object.role;
}

static void a_file_on_a_stick_is_told_with_the_stick(void **state)
{
	_cleanup_(event_freep) struct event *event =
		describe(state, "/media/li/DISK/a.csv", &stick, true);

	assert_int_equal(event->object.role, EVENT_ROLE_SINK);
	assert_string_equal(event->object.name, "/media/li/DISK/a.csv");
	assert_string_equal(event->object.zone_name, "USB disk SanDisk Ultra 4C53");
	assert_string_equal(event->object.zone_kind, "usb");
	assert_string_equal(event->object.vendor, "SanDisk");
	assert_string_equal(event->object.model, "Ultra");
	assert_string_equal(event->object.serial, "4C53");
	assert_string_equal(event->object.volume, "0BAD-F00D");
}

static void no_path_makes_a_stick_a_trusted_place(void **state)
{
	assert_int_equal(role_of(state, "/media/li/inside/a", &stick), EVENT_ROLE_SINK);
	assert_int_equal(role_of(state, "/media/li/inside/a", NULL), EVENT_ROLE_TRUSTED);
	assert_int_equal(role_of(state, "/home/li/a", &built_in), EVENT_ROLE_TRUSTED);
}

/* An export folder is a source for who reads there, and on a stick it is a way out, too. */
static void exports_on_a_stick_come_from_there_and_go_there(void **state)
{
	_cleanup_(event_freep) struct event *in =
		describe(state, "/media/li/exports/a", &stick, false);

	assert_int_equal(in->object.role, EVENT_ROLE_EXPORT);
	assert_int_equal(role_of(state, "/media/li/exports/a", &stick), EVENT_ROLE_SINK);
	assert_int_equal(role_of(state, "/srv/exports/a", &built_in), EVENT_ROLE_EXPORT);
}

static void shares_are_outside_unless_the_policy_says_inside(void **state)
{
	const struct volume nas = share("nfs", "nas.corp", false);
	const struct volume by_address = share("smb", "10.0.0.9", false);
	const struct volume other = share("nfs", "elsewhere", false);
	const struct volume out = share("nfs", "out.corp", false);
	_cleanup_(event_freep) struct event *event = describe(state, "/mnt/a", &out, true);

	assert_int_equal(role_of(state, "/mnt/a", &nas), EVENT_ROLE_TRUSTED);
	assert_int_equal(role_of(state, "/mnt/a", &by_address), EVENT_ROLE_TRUSTED);
	assert_int_equal(role_of(state, "/mnt/a", &other), EVENT_ROLE_SINK);
	assert_int_equal(role_of(state, "/home/li/a", &other), EVENT_ROLE_TRUSTED);
	assert_int_equal(event->object.role, EVENT_ROLE_SINK);
	assert_string_equal(event->object.zone_name, "outside");
	assert_string_equal(event->object.zone_kind, "share");
}

static void what_a_user_mounted_is_neither_inside_by_path_nor_by_name(void **state)
{
	const struct volume mine = share("sshfs", "nas.corp", true);

	assert_int_equal(role_of(state, "/home/li/a", &mine), EVENT_ROLE_SINK);
	assert_int_equal(role_of(state, "/mnt/a", &mine), EVENT_ROLE_SINK);
}

static void a_built_in_disk_is_outside_when_the_policy_names_it(void **state)
{
	struct volume archive = built_in;
	_cleanup_(event_freep) struct event *event = NULL;

	strcpy(archive.uuid, "1a2b-3c4d");
	event = describe(state, "/archive/a", &archive, true);
	assert_int_equal(event->object.role, EVENT_ROLE_SINK);
	assert_string_equal(event->object.zone_kind, "disk");
	assert_int_equal(role_of(state, "/archive/a", &built_in), EVENT_ROLE_LOCAL);
}

static void folders_that_a_cloud_mirrors_are_outside(void **state)
{
	_cleanup_(event_freep) struct event *named =
		describe(state, "/home/li/Team/a", &built_in, true);
	_cleanup_(event_freep) struct event *usual =
		describe(state, "/home/li/百度网盘同步空间/a", &built_in, true);

	assert_int_equal(named->object.role, EVENT_ROLE_SINK);
	assert_string_equal(named->object.zone_name, "team");
	assert_null(named->object.serial);
	assert_int_equal(usual->object.role, EVENT_ROLE_SINK);
	assert_string_equal(usual->object.zone_name, "百度网盘");
	assert_string_equal(usual->object.zone_kind, "cloud");
}

static void each_share_of_gvfs_is_a_place(void **state)
{
	struct volume gvfs = share("fuse", "", true);
	_cleanup_(event_freep) struct event *event = NULL;

	gvfs.has_shares = true;
	event = describe(state, "/run/user/1000/gvfs/mtp:host=Pixel/DCIM/a", &gvfs, true);
	assert_int_equal(event->object.role, EVENT_ROLE_SINK);
	assert_string_equal(event->object.zone_name, "phone Pixel");
	assert_string_equal(event->object.zone_kind, "phone");
}

static void the_print_servers_socket_is_a_printer(void **state)
{
	struct policy_fixture *fixture = *state;
	_cleanup_(event_freep) struct event *printer = event_new(), *other = event_new();

	policy_fixture_load(fixture, policy_text);
	printer->object.kind = other->object.kind = EVENT_OBJECT_UNIX;
	other->object.ino = 5;
	assert_int_equal(
		place_describe_path(fixture->policy, "/run/cups/cups.sock", NULL, true, printer),
		0);
	assert_int_equal(printer->object.role, EVENT_ROLE_SINK);
	assert_string_equal(printer->object.zone_kind, "printer");
	assert_string_equal(printer->object.name, "unix:/run/cups/cups.sock");
	assert_int_equal(place_describe_path(fixture->policy, "/run/x", NULL, true, other), 0);
	assert_int_equal(other->object.role, EVENT_ROLE_LOCAL);
	assert_string_equal(other->object.name, "unix:[5]");
}

/* They have no name of their own, and no number that tells a person anything. */
static void clipboards_and_screens_are_called_by_what_they_are(void **state)
{
	static const struct {
		enum event_object_kind kind;
		const char *name;
	} cases[] = {{EVENT_OBJECT_CLIPBOARD, "clipboard"}, {EVENT_OBJECT_SCREEN, "screen"}};
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, policy_text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(event_freep) struct event *event = event_new();

		event->object.kind = cases[i].kind;
		event->object.ino = 5;
		assert_int_equal(place_describe_path(fixture->policy, "", NULL, true, event), 0);
		assert_string_equal(event->object.name, cases[i].name);
		assert_int_equal(event->object.role, EVENT_ROLE_LOCAL);
	}
}

static void assert_peer(void **state, const char *address, uint16_t port, enum event_role role,
			const char *kind)
{
	struct policy_fixture *fixture = *state;
	_cleanup_(event_freep) struct event *event = event_new();
	struct in6_addr peer;
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "::ffff:%s", address);
	assert_int_equal(inet_pton(AF_INET6, mapped, &peer), 1);
	assert_int_equal(place_describe_peer(fixture->policy,
					     &(struct policy_peer){&peer, port, .may_say = true},
					     IPPROTO_TCP, event),
			 0);
	assert_int_equal(event->object.role, role);
	assert_string_equal(event->object.zone_kind ? event->object.zone_kind : "", kind);
}

static void ports_of_printers_are_printers(void **state)
{
	policy_fixture_load(*state, policy_text);
	assert_peer(state, "192.0.2.1", 631, EVENT_ROLE_SINK, "printer");
	assert_peer(state, "192.0.2.1", 9100, EVENT_ROLE_SINK, "printer");
	assert_peer(state, "127.0.0.1", 631, EVENT_ROLE_SINK, "printer");
	assert_peer(state, "127.0.0.1", 632, EVENT_ROLE_LOCAL, "");
	assert_peer(state, "10.0.0.9", 631, EVENT_ROLE_TRUSTED, "");
	assert_peer(state, "10.0.0.8", 631, EVENT_ROLE_SINK, "share");
}

#define STORY(name) \
	cmocka_unit_test_setup_teardown(name, policy_fixture_setup, policy_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_file_on_a_stick_is_told_with_the_stick),
		STORY(no_path_makes_a_stick_a_trusted_place),
		STORY(exports_on_a_stick_come_from_there_and_go_there),
		STORY(shares_are_outside_unless_the_policy_says_inside),
		STORY(what_a_user_mounted_is_neither_inside_by_path_nor_by_name),
		STORY(a_built_in_disk_is_outside_when_the_policy_names_it),
		STORY(folders_that_a_cloud_mirrors_are_outside),
		STORY(each_share_of_gvfs_is_a_place),
		STORY(the_print_servers_socket_is_a_printer),
		STORY(clipboards_and_screens_are_called_by_what_they_are),
		STORY(ports_of_printers_are_printers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
