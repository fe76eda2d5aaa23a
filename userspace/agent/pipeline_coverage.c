/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include <jansson.h>

#include "agent/pipeline_private.h"

/* What the sensor sees of each way that data can take; call by call and kernel by kernel it is in
 * bpf/COVERAGE.md, which the kernel tests make. */
struct channel {
	const char *name, *coverage, *why;
};

static const struct channel channels[] = {
	{"file read and write", "full", ""},
	{"files on overlayfs (containers)", "partial",
	 "the object is the file below; a labelled file of an image that gets a name or attributes "
	 "in the container has no label in the upper folder until it is opened there"},
	{"files in export folders", "partial",
	 "labelled at the start and when they are made or opened there; one that is moved into a "
	 "folder and out again without being opened is missed"},
	{"sendfile, splice, tee, copy_file_range", "full", ""},
	{"pipe, fifo", "full", ""},
	{"tcp and udp, ipv4 and ipv6", "full", ""},
	{"loopback connections", "full", ""},
	{"names of destinations", "partial",
	 "a TCP connection that an app opens while it holds labelled data is named by its TLS "
	 "hello, HTTP CONNECT or HTTP Host, QUIC of versions 1 and 2 by its hello; those that were "
	 "made before, what io_uring sends, and QUIC begun before the agent was restarted, by "
	 "address"},
	{"CRM by name", "partial",
	 "at addresses of its names, and via proxies and CDNs, TCP connections are told apart by "
	 "TLS hello, HTTP CONNECT and HTTP Host; not what a proxy is asked inside of TLS, what "
	 "HTTP/2 asks of another site's connection, a hello in several TLS records, or one sent "
	 "by io_uring or with the connect: at the CRM's addresses that is the CRM's, via others "
	 "not. QUIC to its addresses is the CRM's, via others not. Who says another name to the "
	 "CRM's own server is not seen unless [crm] shared = no, or its address is given"},
	{"unix stream sockets", "full", ""},
	{"unix datagram sockets", "partial",
	 "those sent to a name that is not the one which the receiver was bound to, or in another "
	 "mount namespace, are not followed: a coverage_gap event says so"},
	{"descriptors passed or taken", "full", ""},
	{"mmap", "partial",
	 "bytes are estimated by length; a private mapping made before the label came is missed"},
	{"memory of another process", "partial",
	 "process_vm_readv, process_vm_writev, ptrace and /proc/PID/mem are followed; userfaultfd "
	 "and System V shared memory are said as coverage_gap"},
	{"exec arguments", "partial",
	 "bytes are estimated; environment variables are not followed"},
	{"32-bit system calls", "full", "those of the x32 kind are counted as a loss"},
	{"kernel AIO, message queues", "none",
	 "a coverage_gap event says when an app that holds labelled data uses them"},
	{"labels of files across a reboot", "partial",
	 "on ext2, ext3, ext4, xfs and btrfs; not those of the last seconds before a power cut"},
	{"removable disks", "partial",
	 "known by the serial that they give themselves, else by their file system where udev "
	 "links it; a write to the raw disk is seen, but in a container, SCSI commands (sg) and "
	 "usbfs are not; one that was unplugged before the agent looked, and had not been seen "
	 "mounted, has no name"},
	{"files on NFS, SMB, FUSE, 9p, virtiofs", "partial",
	 "one place for each server; what a FUSE program does with them is not followed, and its "
	 "type and source are what the user says; one that a process mounted for itself alone is "
	 "known while that process lives"},
	{"cloud-sync folders", "partial",
	 "by their usual names in a home, or by [sink] folder; a file that is moved there is "
	 "told with its size; a folder that is moved there, and a link, when the client reads it"},
	{"printing", "partial",
	 "what goes to the CUPS socket, to ports 631, 515 and 9100, and to a printer's device "
	 "node; pages are not counted, and which printer it was is not seen"},
	{"serial lines", "partial",
	 "by write to ttyS, ttyUSB, ttyACM and rfcomm, but for the one that is the system console"},
	{"phones (MTP)", "partial",
	 "where gvfs or another FUSE program mounts them; a program that speaks MTP itself (libmtp "
	 "by usbfs) is not seen"},
	{"Bluetooth", "none",
	 "sockets of AF_BLUETOOTH are not followed (OBEX by obexd); rfcomm lines are serial lines"},
	{"clipboard, pipes and TLS: records in them", "none",
	 "lookups are estimated from the turns on CRM connections"},
	{"terminals", "none", "what a person reads off the screen is not seen"},
	{"clipboard of X11", "partial",
	 "selections are followed to the byte between clients of a local server or Xwayland; not "
	 "over TCP, by io_uring or splice, in events, in what is drawn, or in a property that is "
	 "left "
	 "for half a minute; clients of the other byte order, sendmmsg, and a selection owned "
	 "before "
	 "its owner was labelled are said as coverage_gap"},
	{"clipboard of Wayland, of text consoles", "none",
	 "compositors are hubs and pass no labels on"},
};

static const struct channel rings_followed = {"io_uring", "partial",
					      "a request without a completion is estimated; "
					      "datagrams that SEND, or SENDMSG on 5.10, sends "
					      "to a unix socket's name are not followed: a "
					      "coverage_gap event says so; unlinks and renames "
					      "by a ring are not told"};

static const struct channel rings_missed = {
	"io_uring", "none",
	"this kernel has no tracepoints of io_uring: a coverage_gap event says "
	"when an app that holds labelled data uses it"};

static const struct channel records_counted = {
	"records in files that leave", "partial",
	"csv, txt, json, and inside zip, gz, docx, xlsx and pptx, of up to 64 MiB; not in "
	"pictures, pdf, "
	"tar, archives in archives, what is encrypted or encoded, and files on btrfs and "
	"overlayfs: a "
	"records event says so and the count stays estimated or unknown"};

static const struct channel records_not_counted = {
	"records in files that leave", "none",
	"the policy has no [record \"NAME\"]: lookups are estimated from the turns on CRM "
	"connections"};

static int add_channel(json_t *table, const struct channel *channel)
{
	return json_array_append_new(table,
				     json_pack("{s:s, s:s, s:s}", "channel", channel->name,
					       "coverage", channel->coverage, "why", channel->why));
}

json_t *agent_describe_coverage(const struct agent *agent)
{
	json_t *table = json_array();
	struct sensor_start start;

	sensor_describe_start(agent->sensor, &start);
	add_channel(table, start.follows_uring ? &rings_followed : &rings_missed);
	add_channel(table, agent->scan ? &records_counted : &records_not_counted);
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		add_channel(table, &channels[i]);
	return table;
}
