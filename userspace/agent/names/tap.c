/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/names/packet.h"
#include "agent/names/streams.h"

#define PORT 53
#define PACKETS_AT_ONCE 64
#define PACKET_BYTES 65536
#define RECEIVE_BYTES (1 << 20)
#define ALL 0xffffffff

/*
 * One socket for each protocol, not one for all: those for all see outgoing packets too, and have
 * each copied before the filter is asked (dev_queue_xmit_nit(), net/core/dev.c).
 */
#define PROTOCOLS 2

/* Packets start with the IP header. Only first fragments have a port, where it is looked for. */
static struct sock_filter ipv4_filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* protocol */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6), /* fragment */
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0), /* source port */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, ALL),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static struct sock_filter ipv6_filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), /* next header */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 40), /* source port */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, ALL),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

struct tap {
	int fds[PROTOCOLS];
	sd_event_source *sources[PROTOCOLS];
	int (*visit)(void *userdata, const uint8_t *message, size_t size);
	void *userdata;
	struct streams *streams;
	struct tap_counts counts;
	bool is_odd; /* a message of the packet at hand made no sense */
	uint8_t packet[PACKET_BYTES];
};

static void take_message(void *userdata, const uint8_t *message, size_t size)
{
	struct tap *tap = userdata;

	if (tap->visit(tap->userdata, message, size) < 0)
		tap->is_odd = true;
}

static void take_packet(struct tap *tap, size_t size)
{
	struct packet packet;
	int r = packet_parse(tap->packet, size, &packet);

	tap->is_odd = false;
	if (r == 0 && packet.is_stream)
		r = streams_take(tap->streams, &packet, take_message, tap);
	else if (r == 0)
		take_message(tap, packet.payload, packet.size);
	tap->counts.packets++;
	if (r < 0 || tap->is_odd)
		tap->counts.refused++;
	else
		tap->counts.taken++;
}

static int on_packets(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct tap *tap = userdata;

	(void)source;
	(void)revents;
	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		ssize_t size = recv(fd, tap->packet, sizeof(tap->packet), MSG_DONTWAIT);

		if (size < 0)
			break; /* none left; a network that went down is told once, as an error */
		take_packet(tap, (size_t)size);
	}
	return 0;
}

/* The filter comes before the protocol: until then nothing is delivered. */
static int listen_to(int fd, uint16_t protocol)
{
	struct sock_fprog program = {sizeof(ipv4_filter) / sizeof(ipv4_filter[0]), ipv4_filter};
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	int bytes = RECEIVE_BYTES;

	if (protocol == ETH_P_IPV6)
		program = (struct sock_fprog){sizeof(ipv6_filter) / sizeof(ipv6_filter[0]),
					      ipv6_filter};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

static int start(struct tap *tap, sd_event *event)
{
	static const uint16_t protocols[PROTOCOLS] = {ETH_P_IP, ETH_P_IPV6};
	int r = streams_new(&tap->streams);

	for (int i = 0; i < PROTOCOLS && r >= 0; i++) {
		tap->fds[i] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		r = tap->fds[i] < 0 ? -errno : listen_to(tap->fds[i], protocols[i]);
		if (r == 0)
			r = sd_event_add_io(event, &tap->sources[i], tap->fds[i], EPOLLIN,
					    on_packets, tap);
	}
	return r < 0 ? r : 0;
}

int tap_new(sd_event *event, int (*visit)(void *userdata, const uint8_t *message, size_t size),
	    void *userdata, struct tap **ret_tap)
{
	struct tap *tap = calloc(1, sizeof(*tap));
	int r;

	if (!tap)
		return -ENOMEM;
	for (int i = 0; i < PROTOCOLS; i++)
		tap->fds[i] = -1;
	tap->visit = visit;
	tap->userdata = userdata;
	r = start(tap, event);
	if (r < 0) {
		tap_free(tap);
		return r;
	}
	*ret_tap = tap;
	return 0;
}

void tap_free(struct tap *tap)
{
	if (!tap)
		return;
	for (int i = 0; i < PROTOCOLS; i++) {
		sd_event_source_disable_unref(tap->sources[i]);
		if (tap->fds[i] >= 0)
			close(tap->fds[i]);
	}
	streams_free(tap->streams);
	free(tap);
}

void tap_count(struct tap *tap, struct tap_counts *ret_counts)
{
	for (int i = 0; i < PROTOCOLS; i++) {
		struct tpacket_stats stats = {};
		socklen_t size = sizeof(stats);

		/* Since it was asked the last time, packet(7). */
		if (getsockopt(tap->fds[i], SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
			continue;
		tap->counts.packets += stats.tp_drops;
		tap->counts.dropped += stats.tp_drops;
	}
	*ret_counts = tap->counts;
}
