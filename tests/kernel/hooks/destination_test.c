/* SPDX-License-Identifier: GPL-2.0-only */

/* Whom a datagram is for: as the kernel takes what the sender wrote, not as it is usually written.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/coverage.h"
#include "kernel/letter.h"

#define PORT 18620       /* where nobody listens, and nobody must */
#define RFC2133_BYTES 24 /* of struct sockaddr_in6, before it had a scope */
#define EXPERIMENT 253   /* a protocol for experiments, RFC 3692 */
#define PING_GROUPS "/proc/sys/net/ipv4/ping_group_range"

struct ping {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
};

static uint64_t count_to(const struct scene *scene, const char *address, uint16_t port)
{
	struct in6_addr wanted;
	uint64_t bytes = 0;
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	assert_int_equal(inet_pton(AF_INET6, address, &wanted), 1);
	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_INET && flows[i].is_out &&
		    flows[i].port == port && memcmp(&flows[i].peer, &wanted, sizeof(wanted)) == 0)
			bytes += flows[i].bytes;
	return bytes;
}

static int open_socket(const struct scene *scene, int family, int type, int protocol)
{
	return (int)SCENE_CALL(scene, CLERK, SYS_socket, family, type, protocol);
}

static struct sockaddr_in *write_name(const struct scene *scene, sa_family_t family,
				      const char *address)
{
	struct sockaddr_in *name = &letter_of(scene, CLERK)->peers[0];

	*name = (struct sockaddr_in){.sin_family = family, .sin_port = htons(PORT)};
	assert_int_equal(inet_pton(AF_INET, address, &name->sin_addr), 1);
	return name;
}

static struct sockaddr_in6 *write_name6(const struct scene *scene, sa_family_t family,
					const char *address)
{
	struct sockaddr_in6 *name = (struct sockaddr_in6 *)&letter_of(scene, CLERK)->path;

	*name = (struct sockaddr_in6){.sin6_family = family, .sin6_port = htons(PORT)};
	assert_int_equal(inet_pton(AF_INET6, address, &name->sin6_addr), 1);
	return name;
}

static void when_sent(const struct scene *scene, int fd, const void *name, size_t name_bytes,
		      size_t bytes)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    bytes, 0, (long)name, name_bytes),
			 bytes);
}

static void a_name_of_no_family_is_one_of_the_socket(void **state)
{
	const struct scene *scene = *state;
	int fd = open_socket(scene, AF_INET, SOCK_DGRAM, 0);
	struct letter *letter = letter_of(scene, CLERK);

	scene_read_source(scene, CLERK);
	when_sent(scene, fd, write_name(scene, AF_UNSPEC, "127.0.0.2"), sizeof(struct sockaddr_in),
		  100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", PORT), 100);
	letter->parts[0] = (struct iovec){scene_data(scene, CLERK), 50};
	for (int i = 0; i < 2; i++)
		letter->messages[i] = (struct mmsghdr){
			.msg_hdr = {.msg_name = write_name(scene, AF_UNSPEC, "127.0.0.2"),
				    .msg_namelen = sizeof(struct sockaddr_in),
				    .msg_iov = &letter->parts[0],
				    .msg_iovlen = 1}};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd, (long)letter->messages, 2), 2);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", PORT), 200);
	coverage_note("sendto to a name of no family (UDP)", COVERAGE_EXACT);
}

/* There it is no name at all, whatever else stands in it. */
static void a_name_of_no_family_leaves_an_ipv6_socket_its_peer(void **state)
{
	const struct scene *scene = *state;
	int fd = open_socket(scene, AF_INET6, SOCK_DGRAM, 0);

	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd,
				    (long)write_name6(scene, AF_INET6, "::1"),
				    sizeof(struct sockaddr_in6)),
			 0);
	when_sent(scene, fd, write_name(scene, AF_UNSPEC, "127.0.0.2"), sizeof(struct sockaddr_in),
		  100);
	assert_int_equal(count_to(scene, "::1", PORT), 100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", PORT), 0);
}

static void a_name_without_a_scope_is_read(void **state)
{
	const struct scene *scene = *state;
	int fd = open_socket(scene, AF_INET6, SOCK_DGRAM, 0);

	scene_read_source(scene, CLERK);
	when_sent(scene, fd, write_name6(scene, AF_INET6, "::ffff:127.0.0.2"), RFC2133_BYTES, 100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", PORT), 100);
	when_sent(scene, fd, write_name6(scene, AF_INET6, "::1"), RFC2133_BYTES, 70);
	assert_int_equal(count_to(scene, "::1", PORT), 70);
	coverage_note("sendto to a name of 24 bytes (UDP over IPv6)", COVERAGE_EXACT);
}

/* What stands where ports do is nothing there. */
static void raw_packets_of_ip_are_counted_by_destination(void **state)
{
	const struct scene *scene = *state;
	int fd = open_socket(scene, AF_INET, SOCK_RAW, EXPERIMENT);
	int fd6 = open_socket(scene, AF_INET6, SOCK_RAW, EXPERIMENT);

	assert_true(fd >= 0 && fd6 >= 0);
	scene_read_source(scene, CLERK);
	when_sent(scene, fd, write_name(scene, AF_INET, "127.0.0.2"), sizeof(struct sockaddr_in),
		  100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", 0), 100);
	when_sent(scene, fd, write_name(scene, AF_UNSPEC, "127.0.0.3"), sizeof(struct sockaddr_in),
		  101);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.3", 0), 101);
	write_name6(scene, AF_UNSPEC, "::1")->sin6_port = 0;
	when_sent(scene, fd6, &letter_of(scene, CLERK)->path, sizeof(struct sockaddr_in6), 102);
	assert_int_equal(count_to(scene, "::1", 0), 102);
	coverage_note("sendto (raw IP)", COVERAGE_EXACT);
}

static void write_groups(const char *groups)
{
	_cleanup_close_ int fd = open(PING_GROUPS, O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(fd, groups, strlen(groups)), strlen(groups));
}

static int open_ping(const struct scene *scene)
{
	_cleanup_close_ int groups = open(PING_GROUPS, O_RDONLY | O_CLOEXEC);
	char text[64] = "";
	int fd;

	assert_true(read(groups, text, sizeof(text) - 1) > 0);
	write_groups("0 0");
	fd = open_socket(scene, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	write_groups(text);
	return fd;
}

static void what_pings_carry_is_counted_by_destination(void **state)
{
	const struct scene *scene = *state;
	int fd = open_ping(scene);

	assert_true(fd >= 0);
	scene_read_source(scene, CLERK);
	*(struct ping *)scene_data(scene, CLERK) = (struct ping){.type = 8}; /* echo request */
	when_sent(scene, fd, write_name(scene, AF_INET, "127.0.0.2"), sizeof(struct sockaddr_in),
		  100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", 0), 100);
	coverage_note("sendto (ICMP echo)", COVERAGE_EXACT);
}

/* Such datagrams stay here; that what could not be read is all zeros must mean something else. */
static void the_address_of_all_zeros_is_that_of_this_machine(void **state)
{
	const struct scene *scene = *state;
	int fd = open_socket(scene, AF_INET, SOCK_DGRAM, 0);
	int fd6 = open_socket(scene, AF_INET6, SOCK_DGRAM, 0);

	scene_read_source(scene, CLERK);
	when_sent(scene, fd, write_name(scene, AF_INET, "0.0.0.0"), sizeof(struct sockaddr_in),
		  100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.1", PORT), 100);
	when_sent(scene, fd6, write_name6(scene, AF_INET6, "::"), sizeof(struct sockaddr_in6), 101);
	assert_int_equal(count_to(scene, "::1", PORT), 101);
	when_sent(scene, fd6, write_name6(scene, AF_INET6, "::ffff:0.0.0.0"),
		  sizeof(struct sockaddr_in6), 10);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.1", PORT), 110);
}

#define PAGE 4096

/* A page of the clerk's that nothing is in, and that a descriptor of its own hands out. */
struct held_page {
	char *at;
	int fd;
};

/* By SECOND, another thread of it. Before the clerk is labelled: it is a way that is not followed.
 */
static struct held_page hold_page(const struct scene *scene)
{
	struct uffdio_api *api = (void *)scene_data(scene, SECOND);
	struct uffdio_register *range = (void *)(api + 1);
	struct held_page page;

	page.at = (char *)SCENE_CALL(scene, SECOND, SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page.fd = (int)SCENE_CALL(scene, SECOND, SYS_userfaultfd, O_CLOEXEC);
	if (page.fd < 0) {
		print_message("# skip: no userfaultfd\n");
		puppet_end_thread(scene->stage, SECOND);
		skip();
	}
	*api = (struct uffdio_api){.api = UFFD_API};
	assert_int_equal(SCENE_CALL(scene, SECOND, SYS_ioctl, page.fd, UFFDIO_API, (long)api), 0);
	*range = (struct uffdio_register){.range = {(uintptr_t)page.at, PAGE},
					  .mode = UFFDIO_REGISTER_MODE_MISSING};
	assert_int_equal(
		SCENE_CALL(scene, SECOND, SYS_ioctl, page.fd, UFFDIO_REGISTER, (long)range), 0);
	return page;
}

static void give_page(const struct scene *scene, const struct held_page *page)
{
	struct uffdio_zeropage *zeros = (void *)scene_data(scene, SECOND);

	*zeros = (struct uffdio_zeropage){.range = {(uintptr_t)page->at, PAGE}};
	assert_int_equal(
		SCENE_CALL(scene, SECOND, SYS_ioctl, page->fd, UFFDIO_ZEROPAGE, (long)zeros), 0);
}

/* The kernel has taken the name, and waits for what is to be sent. */
static void when_the_name_changes_meanwhile(const struct scene *scene, long number,
					    const long arguments[6], const struct held_page *page)
{
	puppet_begin(scene->stage, CLERK, number, arguments);
	puppet_wait_until_asleep(scene->stage, CLERK);
	write_name(scene, AF_INET, "127.0.0.3");
	give_page(scene, page);
	assert_int_equal(puppet_finish(scene->stage, CLERK), number == SYS_sendmmsg ? 1 : PAGE);
}

static struct held_page given_a_thread_that_holds_a_page(const struct scene *scene)
{
	puppet_thread(scene->stage, CLERK, SECOND);
	return hold_page(scene);
}

static void a_name_that_another_thread_changes_is_unknown(void **state)
{
	const struct scene *scene = *state;
	struct held_page page = given_a_thread_that_holds_a_page(scene);
	int fd = open_socket(scene, AF_INET, SOCK_DGRAM, 0);
	const struct sockaddr_in *name = write_name(scene, AF_INET, "127.0.0.2");

	scene_read_source(scene, CLERK);
	/* From now on the name is in the clerk's memory, where it can be read at entry. */
	when_sent(scene, fd, name, sizeof(*name), 10);
	when_the_name_changes_meanwhile(
		scene, SYS_sendto,
		(const long[6]){fd, (long)page.at, PAGE, 0, (long)name, sizeof(*name)}, &page);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.3", PORT), 0);
	assert_int_equal(count_to(scene, "::", 0), PAGE);
	/* One that stays what it is is not. */
	when_sent(scene, fd, name, sizeof(*name), 100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.3", PORT), 100);
}

static void so_is_one_that_is_there_only_at_the_end(void **state)
{
	const struct scene *scene = *state;
	struct held_page page = given_a_thread_that_holds_a_page(scene);
	int fd = open_socket(scene, AF_INET, SOCK_DGRAM, 0);
	struct letter *letter = letter_of(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd,
				    (long)write_name(scene, AF_INET, "127.0.0.2"),
				    sizeof(struct sockaddr_in)),
			 0);
	letter->parts[0] = (struct iovec){page.at, PAGE};
	letter->messages[0].msg_hdr =
		(struct msghdr){.msg_iov = &letter->parts[0], .msg_iovlen = 1};
	scene_read_source(scene, CLERK);
	puppet_begin(scene->stage, CLERK, SYS_sendmsg,
		     (const long[6]){fd, (long)&letter->messages[0].msg_hdr});
	puppet_wait_until_asleep(scene->stage, CLERK);
	letter->messages[0].msg_hdr.msg_name = write_name(scene, AF_INET, "127.0.0.3");
	letter->messages[0].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
	give_page(scene, &page);
	assert_int_equal(puppet_finish(scene->stage, CLERK), PAGE);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.3", PORT), 0);
	assert_int_equal(count_to(scene, "::", 0), PAGE);
}

/* Of several messages in one call, names are read at its end. */
static void a_changed_name_of_one_message_of_many_is_a_gap(void **state)
{
	const struct scene *scene = *state;
	struct held_page page = given_a_thread_that_holds_a_page(scene);
	int fd = open_socket(scene, AF_INET, SOCK_DGRAM, 0);
	struct letter *letter = letter_of(scene, CLERK);

	letter->parts[0] = (struct iovec){page.at, PAGE};
	letter->messages[0] =
		(struct mmsghdr){.msg_hdr = {.msg_name = write_name(scene, AF_INET, "127.0.0.2"),
					     .msg_namelen = sizeof(struct sockaddr_in),
					     .msg_iov = &letter->parts[0],
					     .msg_iovlen = 1}};
	scene_read_source(scene, CLERK);
	when_the_name_changes_meanwhile(scene, SYS_sendmmsg,
					(const long[6]){fd, (long)letter->messages, 1}, &page);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.3", PORT), PAGE);
	coverage_note("sendmmsg to a name that another thread changes", COVERAGE_GAP);
}

/* A call that failed leaves no name behind for the next one. */
static void a_refused_name_is_forgotten(void **state)
{
	const struct scene *scene = *state;
	int fd = open_socket(scene, AF_INET, SOCK_DGRAM, 0);

	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd,
				    (long)write_name(scene, AF_INET, "127.0.0.2"),
				    sizeof(struct sockaddr_in)),
			 0);
	assert_true(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK), 100, 0,
			       (long)write_name(scene, AF_INET, "255.255.255.255"),
			       sizeof(struct sockaddr_in)) < 0);
	when_sent(scene, fd, NULL, 0, 100);
	assert_int_equal(count_to(scene, "::ffff:127.0.0.2", PORT), 100);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_name_of_no_family_is_one_of_the_socket),
		STORY(a_name_of_no_family_leaves_an_ipv6_socket_its_peer),
		STORY(a_name_without_a_scope_is_read),
		STORY(raw_packets_of_ip_are_counted_by_destination),
		STORY(what_pings_carry_is_counted_by_destination),
		STORY(the_address_of_all_zeros_is_that_of_this_machine),
		STORY(a_name_that_another_thread_changes_is_unknown),
		STORY(so_is_one_that_is_there_only_at_the_end),
		STORY(a_changed_name_of_one_message_of_many_is_a_gap),
		STORY(a_refused_name_is_forgotten),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
