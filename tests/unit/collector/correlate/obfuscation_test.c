/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/correlate/file_type.h"
#include "support/incident_story.h"

static const char property[] = "policy.property";
static const struct story_app python = {11, "/usr/bin/python3"}, cp = {12, "/usr/bin/cp"};
static const struct story_app zip = {13, "/usr/bin/zip"}, mv = {14, "/usr/bin/mv"};
static const struct story_app curl = {15, "/usr/bin/curl"};

/* python writes rows, TOOL makes something of them, curl sends that. */
static struct incident *when_sent_through(struct story *story, const char *tool, const char *in,
					  const char *out)
{
	struct story_app app = {33, tool};

	story_looks_up(story, python, 50, 11);
	story_writes(story, python, story_file(1, in), property, NULL, 5000);
	story_reads(story, app, story_file(1, in), property, NULL, 5000);
	story_writes(story, app, story_file(2, out), property, NULL, 3000);
	story_reads(story, curl, story_file(2, out), property, NULL, 3000);
	story_writes(story, curl, story_peer(3, "pan.test"), property, NULL, 3000);
	return story_incident(story, "pan.test");
}

static void the_disguise_is_seen_through(void **state)
{
	struct story *story = *state;
	struct story_place rows = story_file(1, "/home/~/out.csv");
	struct story_place copied = story_file(2, "/home/~/copy.csv");
	struct story_place packed = story_file(3, "/home/~/a.zip");
	struct story_place photo = story_file(3, "/home/~/photo.png");

	story_looks_up(story, python, 50, 11);
	story_writes(story, python, rows, property, NULL, 5000);
	story_reads(story, cp, rows, property, NULL, 5000);
	story_writes(story, cp, copied, property, NULL, 5000);
	story_reads(story, zip, copied, property, NULL, 5000);
	story_writes(story, zip, packed, property, NULL, 1500);
	story_renames(story, mv, packed, "/home/~/photo.png");
	story_reads(story, curl, photo, property, NULL, 1500);
	story_writes(story, curl, story_peer(4, "pan.test"), property, NULL, 1700);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->severity, INCIDENT_HIGH);
	assert_int_equal(incident->score, 40 + 20 + 20);
	assert_true(story_has_attack(incident, "T1560"));
	assert_true(story_has_attack(incident, "T1036"));
	assert_string_equal(incident->sources[0].name, "crm.test");
	assert_int_equal(incident->records, 10);
	assert_int_equal(incident->bytes_out, 1700);
	assert_non_null(strstr(incident->addends[1].reason, "zip: copy.csv -> a.zip"));
	assert_non_null(strstr(incident->addends[2].reason, "a.zip -> photo.png"));
	/* The rename itself is among the events. */
	assert_true(incident->addends[2].events.n_items >= 1);
}

static void packing_encoding_and_splitting_are_known_by_their_programs(void **state)
{
	static const struct {
		const char *tool, *attack;
	} tools[] = {{"/usr/bin/7z", "T1560"},      {"/usr/bin/gpg", "T1560"},
		     {"/usr/bin/openssl", "T1560"}, {"/usr/bin/tar", "T1560"},
		     {"/usr/bin/age", "T1560"},     {"/usr/bin/base64", "T1027"},
		     {"/usr/bin/split", "T1027"}};

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		struct story *story = *state;
		struct incident *incident =
			when_sent_through(story, tools[i].tool, "/tmp/rows.csv", "/tmp/x");

		assert_true(story_has_attack(incident, tools[i].attack));
		assert_int_equal(story_points(incident, "obfuscation"), 20);
		incident_free(incident);
		assert_int_equal(story_teardown(state), 0);
		assert_int_equal(story_setup(state), 0);
	}
}

static void an_archive_by_a_program_of_no_such_name_is_seen_by_its_ending(void **state)
{
	_cleanup_(incident_freep) struct incident *incident =
		when_sent_through(*state, "/usr/bin/perl", "/tmp/rows.csv", "/tmp/rows.tar.gz");

	assert_true(story_has_attack(incident, "T1560"));
}

static void a_copy_under_a_false_name_is_a_disguise_too(void **state)
{
	_cleanup_(incident_freep) struct incident *incident =
		when_sent_through(*state, "/usr/bin/cp", "/tmp/rows.csv", "/tmp/holiday.jpg");

	assert_true(story_has_attack(incident, "T1036"));
	assert_false(story_has_attack(incident, "T1560"));
}

static void plain_copies_and_temporary_names_are_no_obfuscation(void **state)
{
	struct story *story = *state;
	struct story_place draft = story_file(1, "/home/~/out.csv.tmp");
	struct story_place out = story_file(1, "/home/~/out.csv");

	story_looks_up(story, python, 50, 11);
	story_writes(story, python, draft, property, NULL, 5000);
	story_renames(story, python, draft, "/home/~/out.csv");
	story_reads(story, cp, out, property, NULL, 5000);
	story_writes(story, cp, story_file(2, "/home/~/out (copy).txt"), property, NULL, 5000);
	story_reads(story, curl, story_file(2, "/home/~/out (copy).txt"), property, NULL, 5000);
	story_writes(story, curl, story_peer(4, "pan.test"), property, NULL, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "obfuscation"), 0);
}

static void what_a_packer_tells_itself_did_not_go_out_packed(void **state)
{
	struct story *story = *state;
	struct story_place out = story_file(1, "/home/~/out.csv");

	story_looks_up(story, zip, 50, 11);
	story_writes(story, zip, story_pipe(60), property, NULL, 100);
	story_reads(story, zip, story_pipe(60), property, NULL, 100);
	story_writes(story, zip, out, property, NULL, 5000);
	story_reads(story, curl, out, property, NULL, 5000);
	story_writes(story, curl, story_peer(4, "pan.test"), property, NULL, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "obfuscation"), 0);
}

static void what_was_packed_or_renamed_afterwards_did_not_help_it_out(void **state)
{
	struct story *story = *state;
	struct story_place out = story_file(1, "/home/~/out.csv");

	story_looks_up(story, python, 50, 11);
	story_writes(story, python, out, property, NULL, 5000);
	story_reads(story, curl, out, property, NULL, 5000);
	story_writes(story, curl, story_peer(4, "pan.test"), property, NULL, 5000);
	story_waits(story, 60000000000);
	story_reads(story, zip, out, property, NULL, 5000);
	story_writes(story, zip, story_file(9, "/home/~/backup.zip"), property, NULL, 900);
	story_renames(story, mv, out, "/home/~/photo.png");
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "obfuscation"), 0);
}

static void names_tell_types_and_passing_names_tell_none(void **state)
{
	(void)state;
	assert_int_equal(file_type_of("/tmp/a.tar.gz"), FILE_TYPE_ARCHIVE);
	assert_int_equal(file_type_of("/tmp.d/PHOTO.PNG"), FILE_TYPE_IMAGE);
	assert_int_equal(file_type_of("/tmp.zip/x"), FILE_TYPE_NONE);
	assert_int_equal(file_type_of("/home/.zip"), FILE_TYPE_NONE);
	assert_int_equal(file_type_of("out.csv.1"), FILE_TYPE_NONE);
	assert_int_equal(file_type_of(NULL), FILE_TYPE_NONE);
	assert_int_equal(file_type_of("a.zi p"), FILE_TYPE_OTHER);
	assert_true(file_type_is_disguise("a.zip", "a.xyz"));
	assert_true(file_type_is_disguise("a.csv", "b.mp4"));
	assert_false(file_type_is_disguise("a.xyz", "a.zip"));
	assert_false(file_type_is_disguise("a.zip", "a.gpg"));
	assert_false(file_type_is_disguise("a.csv", "a.xlsx"));
	assert_false(file_type_is_disguise("a.csv", "a.csv.bak"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(the_disguise_is_seen_through),
		STORY_TEST(packing_encoding_and_splitting_are_known_by_their_programs),
		STORY_TEST(an_archive_by_a_program_of_no_such_name_is_seen_by_its_ending),
		STORY_TEST(a_copy_under_a_false_name_is_a_disguise_too),
		STORY_TEST(plain_copies_and_temporary_names_are_no_obfuscation),
		STORY_TEST(what_a_packer_tells_itself_did_not_go_out_packed),
		STORY_TEST(what_was_packed_or_renamed_afterwards_did_not_help_it_out),
		cmocka_unit_test(names_tell_types_and_passing_names_tell_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
