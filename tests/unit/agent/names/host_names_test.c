/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/names/answer.h"
#include "agent/names/host_names.h"

#define SECOND_NS 1000000000ull
#define DAY_NS (86400 * SECOND_NS)
#define TTL_S 300

struct machine {
	char hosts_path[64];
	struct host_names *names;
};

static void write_hosts(const struct machine *machine, const char *text)
{
	char next[80];
	FILE *file;

	/* As editors do: another file under the same name. */
	snprintf(next, sizeof(next), "%s.next", machine->hosts_path);
	file = fopen(next, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(next, machine->hosts_path), 0);
}

static int given_a_machine(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int fd;

	strcpy(machine->hosts_path, "/tmp/weir-hosts-XXXXXX");
	fd = mkstemp(machine->hosts_path);
	assert_true(fd >= 0);
	close(fd);
	write_hosts(machine,
		    "# comment\n127.0.0.1 localhost\n127.0.1.1 desk\n::1 ip6-localhost\n"
		    "10.77.0.30\tPan.test pan  # its cloud\n2001:db8::30 pan6.test\n"
		    "10.77.0.30 other.test\nnonsense\n10.77.0.31\n10.77.0.32 two\\words\n");
	assert_int_equal(host_names_new(machine->hosts_path, &machine->names), 0);
	*state = machine;
	return 0;
}

static int clean_up(void **state)
{
	struct machine *machine = *state;

	host_names_free(machine->names);
	unlink(machine->hosts_path);
	free(machine);
	return 0;
}

static struct in6_addr address_of(const char *text)
{
	struct in6_addr address = {};

	if (inet_pton(AF_INET6, text, &address) == 1)
		return address;
	address.s6_addr[10] = address.s6_addr[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, &address.s6_addr[12]), 1);
	return address;
}

static void when_answered(const struct machine *machine, const char *name, const char *address,
			  uint64_t now_ns)
{
	struct answer answer = {.n_addresses = 1};

	snprintf(answer.name, sizeof(answer.name), "%s", name);
	answer.addresses[0].address = address_of(address);
	answer.addresses[0].ttl_s = TTL_S;
	host_names_take(machine->names, &answer, now_ns);
}

static void check(const struct machine *machine, const char *address, uint64_t at_ns,
		  const char *wanted, enum event_host_source wanted_source)
{
	struct in6_addr parsed = address_of(address);
	enum event_host_source source = EVENT_HOST_NONE;
	const char *name = host_names_find(machine->names, &parsed, at_ns, &source);

	if (!wanted)
		assert_null(name);
	else
		assert_string_equal(name, wanted);
	assert_int_equal(source, wanted_source);
}

static void an_answer_names_an_address(void **state)
{
	when_answered(*state, "files.test", "203.0.113.7", DAY_NS);
	check(*state, "203.0.113.7", DAY_NS + SECOND_NS, "files.test", EVENT_HOST_DNS);
	check(*state, "203.0.113.8", DAY_NS + SECOND_NS, NULL, EVENT_HOST_NONE);
}

static void the_last_answer_before_counts(void **state)
{
	when_answered(*state, "first.test", "203.0.113.7", DAY_NS);
	when_answered(*state, "second.test", "203.0.113.7", DAY_NS + 60 * SECOND_NS);
	check(*state, "203.0.113.7", DAY_NS + 30 * SECOND_NS, "first.test", EVENT_HOST_DNS);
	check(*state, "203.0.113.7", DAY_NS + 90 * SECOND_NS, "second.test", EVENT_HOST_DNS);
	when_answered(*state, "first.test", "203.0.113.7", DAY_NS + 120 * SECOND_NS);
	check(*state, "203.0.113.7", DAY_NS + 130 * SECOND_NS, "first.test", EVENT_HOST_DNS);
}

/* A flow is named by when it began, at each of its reports. */
static void an_answer_that_comes_again_names_what_went_before(void **state)
{
	when_answered(*state, "first.test", "203.0.113.7", DAY_NS);
	when_answered(*state, "second.test", "203.0.113.7", DAY_NS + 60 * SECOND_NS);
	when_answered(*state, "second.test", "203.0.113.7", DAY_NS + 120 * SECOND_NS);
	check(*state, "203.0.113.7", DAY_NS + 90 * SECOND_NS, "second.test", EVENT_HOST_DNS);
	check(*state, "203.0.113.7", DAY_NS + 30 * SECOND_NS, "first.test", EVENT_HOST_DNS);
	when_answered(*state, "first.test", "203.0.113.7", DAY_NS + 180 * SECOND_NS);
	check(*state, "203.0.113.7", DAY_NS + 90 * SECOND_NS, "second.test", EVENT_HOST_DNS);
	check(*state, "203.0.113.7", DAY_NS + 30 * SECOND_NS, "first.test", EVENT_HOST_DNS);
}

static void an_answer_of_long_ago_names_nothing(void **state)
{
	when_answered(*state, "files.test", "203.0.113.7", DAY_NS);
	check(*state, "203.0.113.7", 2 * DAY_NS, "files.test", EVENT_HOST_DNS);
	check(*state, "203.0.113.7", 3 * DAY_NS, NULL, EVENT_HOST_NONE);
}

static void the_file_names_what_no_answer_does(void **state)
{
	check(*state, "10.77.0.30", 0, "pan.test", EVENT_HOST_FILE);
	check(*state, "2001:db8::30", 0, "pan6.test", EVENT_HOST_FILE);
	check(*state, "10.77.0.31", 0, NULL, EVENT_HOST_NONE);
	check(*state, "10.77.0.32", 0, NULL, EVENT_HOST_NONE);
	when_answered(*state, "cloud.test", "10.77.0.30", DAY_NS);
	check(*state, "10.77.0.30", DAY_NS + SECOND_NS, "cloud.test", EVENT_HOST_DNS);
}

static void this_machine_has_no_name(void **state)
{
	check(*state, "127.0.0.1", 0, NULL, EVENT_HOST_NONE);
	check(*state, "::1", 0, NULL, EVENT_HOST_NONE);
}

static void a_changed_file_is_read_again(void **state)
{
	const struct machine *machine = *state;

	write_hosts(machine, "10.77.0.30 moved.test\n");
	check(machine, "10.77.0.30", 0, "pan.test", EVENT_HOST_FILE);
	host_names_reread(machine->names);
	check(machine, "10.77.0.30", 0, "moved.test", EVENT_HOST_FILE);
	check(machine, "2001:db8::30", 0, NULL, EVENT_HOST_NONE);
	assert_int_equal(unlink(machine->hosts_path), 0);
	host_names_reread(machine->names);
	check(machine, "10.77.0.30", 0, NULL, EVENT_HOST_NONE);
}

static void there_is_an_end_to_addresses_and_it_is_counted(void **state)
{
	const struct machine *machine = *state;
	struct host_names_counts counts;
	char address[64];

	for (unsigned int i = 0; i < 20000; i++) {
		snprintf(address, sizeof(address), "2001:db8::%x:%x", i >> 16, i & 0xffff);
		when_answered(machine, "many.test", address, DAY_NS + i);
	}
	host_names_count(machine->names, &counts);
	assert_int_equal(counts.known, 4096);
	assert_int_equal(counts.forgotten, 20000 - 4096);
	check(machine, address, DAY_NS + SECOND_NS, "many.test", EVENT_HOST_DNS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, given_a_machine, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_names_an_address),
		TEST(the_last_answer_before_counts),
		TEST(an_answer_that_comes_again_names_what_went_before),
		TEST(an_answer_of_long_ago_names_nothing),
		TEST(the_file_names_what_no_answer_does),
		TEST(this_machine_has_no_name),
		TEST(a_changed_file_is_read_again),
		TEST(there_is_an_end_to_addresses_and_it_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
