/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include <jansson.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"

/* What the sensor sees of each way that data can take; call by call and kernel by kernel it is in
 * bpf/COVERAGE.md, which the kernel tests make. */
struct channel {
	const char *name, *coverage, *why;
};

static const struct channel channels[] = {
	{"file read and write", "full", ""},
	{"files on overlayfs (containers)", "partial",
	 "the object is the file below; a labelled file of an image that gets a name or "
	 "attributes in the container has no label in the upper folder until it is opened there"},
	{"files in export folders", "partial",
	 "labelled at the start and when they are made or opened there; one that is moved into a "
	 "folder and out again without being opened is missed"},
	{"sendfile, splice, tee, vmsplice, copy_file_range", "full", ""},
	{"copies that share blocks (reflinks)", "partial",
	 "by FICLONE and FICLONERANGE, as cp makes them; not what a file system has calls of its "
	 "own for (EXT4_IOC_MOVE_EXT, XFS_IOC_EXCHANGE_RANGE, F2FS_IOC_MOVE_RANGE, the reflink of "
	 "OCFS2, the copies of older SMB clients, btrfs send)"},
	{"files that are emptied", "partial",
	 "by open, truncate and ftruncate to no byte; not by io_uring, by fallocate, or by what "
	 "is written over them"},
	{"pipe, fifo", "full", ""},
	{"tcp and udp, ipv4 and ipv6", "partial",
	 "all that leaves; of datagrams to the CRM that one sendmmsg names it for only the first "
	 "is looked at, and what comes back to a socket without a peer is told without its "
	 "address; whom a datagram is for is told as it was named before and after the call; "
	 "where another thread has changed that meanwhile it is an unknown address, which is a "
	 "sink; but of the messages of a sendmmsg, and where it was not in memory before, it is "
	 "read after it only"},
	{"raw IP, ICMP, UDP-Lite", "partial",
	 "by the address that they are sent to; not by another one in a header of the sender's "
	 "own making (IP_HDRINCL) or a route in it"},
	{"loopback connections", "partial",
	 "TCP, also to an own address of this machine where both ends have that one; UDP by the "
	 "receiver's port, but for port 53, and of one sendmmsg to names the first 32; not a name "
	 "in memory that the sender never touched before, UDP to an own address from a socket "
	 "without a peer, nor from one network namespace to another (host and container): that is "
	 "told as an egress, and who receives it has no label"},
	{"labels of files that are gone", "partial",
	 "leave the table at once in memory (tmpfs, memfd), on ext2, ext3, ext4, xfs and btrfs "
	 "when it is more than half full; on other disks, and of overlayfs in memory, they stay "
	 "until a reboot, and the names of all of them"},
	{"DNS questions", "partial",
	 "of apps that hold labelled data: to port 53 by UDP and TCP, counted by domain; not over "
	 "TLS or HTTPS, by io_uring, by sendmmsg to servers that each message names (these are an "
	 "egress to the server), or by D-Bus or varlink to systemd-resolved; of few or short "
	 "names below one domain nothing is told, nor of those below arpa"},
	{"CRM by name", "partial",
	 "at addresses of its names, and via proxies and CDNs, TCP connections are told apart by "
	 "TLS hello, HTTP CONNECT and HTTP Host; not what a proxy is asked inside of TLS, what "
	 "HTTP/2 asks of another site's connection, a hello in several TLS records, or one sent "
	 "by io_uring or with the connect: at the CRM's addresses that is the CRM's, via others "
	 "not. Behind a CONNECT to a bare address a hello with the CRM's name is the CRM's, "
	 "whoever is there; behind one to another name, also to another proxy, it is not. QUIC to "
	 "its addresses is the CRM's, via others not. Who says another name to the CRM's own "
	 "server is not seen unless [crm] shared = no, or its address is given"},
	{"unix stream sockets", "full", ""},
	{"unix datagram sockets", "partial",
	 "those sent to a name that is not the one which the receiver was bound to, or in another "
	 "mount namespace, are not followed: a coverage_gap event says so"},
	{"descriptors passed or taken", "full", ""},
	{"mmap", "partial",
	 "bytes are estimated by length; a private mapping made before the label came is missed, "
	 "of more than 1024 shared ones of an app the oldest: a coverage_gap event says so; files "
	 "of fewer than 8 bytes are taken to be flags"},
	{"memory of another process", "partial",
	 "process_vm_readv, process_vm_writev, ptrace and /proc/PID/mem are followed; userfaultfd "
	 "and System V shared memory are said as coverage_gap; on arm64 a call whose first "
	 "argument a debugger changes is taken to be the one that was made"},
	{"exec arguments", "partial",
	 "bytes are estimated; environment variables are not followed"},
	{"32-bit system calls", "full", "those of the x32 kind are counted as a loss"},
	{"kernel AIO, message queues", "none",
	 "a coverage_gap event says when an app that holds labelled data uses them"},
	{"attributes of files, keys of the kernel", "none",
	 "a coverage_gap event says when an app that holds labelled data writes 512 bytes or more "
	 "to one; what it writes into names of files and targets of links is not looked at"},
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
	 "by their usual names in a home, or by [sink] folder; a file that is moved there is told "
	 "with its size; a folder that is moved there, and a link, when the client reads it"},
	{"printing", "partial",
	 "what goes to the CUPS socket, to ports 631, 515 and 9100, and to a printer's device "
	 "node; pages are not counted, and which printer it was is not seen"},
	{"serial lines", "partial",
	 "by write to ttyS, ttyUSB, ttyACM and rfcomm, but for the one that is the system console"},
	{"phones (MTP)", "partial",
	 "where gvfs or another FUSE program mounts them; a program that speaks MTP itself "
	 "(libmtp by usbfs) is not seen"},
	{"Bluetooth, vsock, raw packets", "none",
	 "a coverage_gap event says when an app that holds labelled data writes to a socket of "
	 "another family than those above (OBEX by obexd, AF_VSOCK, AF_PACKET); rfcomm lines are "
	 "serial lines"},
	{"terminals", "none", "what a person reads off the screen is not seen"},
	{"clipboard of X11", "partial",
	 "selections are followed to the byte between clients of a local server or Xwayland; not "
	 "over TCP, by io_uring or splice, in events, in what is drawn, or in a property that is "
	 "left for half a minute, between windows of a server for more than 256 clients "
	 "(-maxclients 512 and more), whose ids are read as if it were 256, and what an input "
	 "method keeps of the clipboard (fcitx); clients of the other byte order that come while "
	 "something is labelled, sendmmsg, and a selection owned before its owner was labelled "
	 "are said as coverage_gap"},
	{"clipboard of Wayland", "partial",
	 "selections, drag and drop and clipboard managers, to the byte, where the compositor's "
	 "socket is called wayland-*; by another way in, the label is kept and the way is told as "
	 "a pipe; what a compositor keeps, or passes between Wayland and Xwayland, has the labels "
	 "of the last two selections that it took; not by KWin, whose Xwayland another process "
	 "starts, and for programs of X11 only text"},
	{"paste into terminals", "partial",
	 "from tmux, screen or a terminal's window, in writes of 64 bytes and more that are read "
	 "within a minute; what is shorter is taken to be typed; what copy mode or a mouse takes "
	 "off the screen is followed on virtual consoles only"},
	{"selection of virtual consoles", "partial",
	 "what GPM has the kernel select within an hour after a program that holds labelled data "
	 "wrote to that screen, whatever it is, and paste; bytes are estimated; not what is read "
	 "from /dev/vcs"},
	{"OSC 52 of terminals", "partial", "where a program's write begins with it"},
	{"pictures of the screen, X11", "partial",
	 "GetImage, MIT-SHM, copies into a pixmap and windows' pixmaps of Composite, of a local "
	 "server or Xwayland, label who takes them when somebody with labels drew there shortly "
	 "before; what they show is not looked at; not by Render, by io_uring or splice, over "
	 "TCP, of fewer than 64 pixels at a time, of what a terminal shows, and by a compositor "
	 "itself (gnome-shell, xfwm4), which is a hub"},
	{"pictures of the screen, Wayland", "partial",
	 "wlr-screencopy, ext-image-copy-capture, wlr-export-dmabuf and Hyprland's windows by "
	 "number, where the compositor's socket is called wayland-*, label who asks for them when "
	 "somebody with labels drew there shortly before, by Wayland or Xwayland; what they show "
	 "is not looked at; not what is drawn between the asking and the picture, by io_uring, "
	 "splice or sendmmsg, and in a compositor within another one; one in the compositor's "
	 "buffer when it is given back; a portal that captures so (xdg-desktop-portal-wlr) is "
	 "labelled, who has it from there by PipeWire is not"},
	{"pictures by GNOME, KDE, frame buffers", "none",
	 "what gnome-shell and KWin take themselves and give on by D-Bus or PipeWire, /dev/fb0, "
	 "DRM and capture cards"},
	{"between the pages of one browser", "none",
	 "its processes are one app: once it has read from a CRM, all that it sends elsewhere is "
	 "told as egress, also what only asks for a page"},
};

static const struct channel rings_followed = {"io_uring", "partial",
					      "a request without a completion is estimated; "
					      "datagrams that SEND, or SENDMSG on 5.10, sends to "
					      "a unix socket's name, commands to devices and "
					      "sockets (URING_CMD), zero-copy receives (RECV_ZC), "
					      "and what the kernel chooses a buffer for and "
					      "completes in silence are not followed, and which "
					      "of several requests of one name that each complete "
					      "often is not known: a coverage_gap event says so; "
					      "unlinks and renames by a ring are not told"};

static const struct channel rings_missed = {
	"io_uring", "none",
	"this kernel has no tracepoints of io_uring: a coverage_gap event says when an app that "
	"holds labelled data uses it"};

static const struct channel records_counted = {
	"records in files that leave", "partial",
	"csv, txt, json, and inside zip, gz, docx, xlsx and pptx, of up to 64 MiB; of lists that "
	"came in, those that somebody reads before customer data meets what came with them; not "
	"in pictures, pdf, tar, archives in archives, what is encrypted or in base64 or "
	"hexadecimal, and files on btrfs and overlayfs: a records event says so and the count is "
	"estimated, by the lookups or by the bytes that a record took in exact counts before, or "
	"unknown; pictures and attributes of markup in documents, extra fields and comments of "
	"entries in archives, and pieces of less than 60 bytes in base64 are passed over without "
	"a word"};

static const struct channel records_not_counted = {
	"records in files that leave", "none",
	"the policy has no [record \"NAME\"]: lookups are estimated from the turns on CRM "
	"connections"};

static const struct channel streams_counted[] = {
	{"records in pipes, unix and TCP sockets", "partial",
	 "in text that is written by write, writev, send and sendmsg, up to 256 KiB a call; not "
	 "in what sendfile, splice, sendmmsg or io_uring moves, behind 256 KiB without any, in "
	 "what is packed or encrypted, nor in UTF-16; several threads in one pipe at once, HTTP/2 "
	 "and tokens of 128 bytes and more make the count an estimate"},
	{"records in TLS connections", "partial",
	 "what 64-bit programs give to OpenSSL, GnuTLS and NSS (by PR_Write and PR_Send, not "
	 "PR_Writev, PR_SendTo and PR_TransmitFile) as shared libraries, from the moment on that "
	 "a labelled app was seen to have the library loaded; not where the library is part of "
	 "the program (Go, Chromium, static OpenSSL) or does not write to the socket itself, nor "
	 "what is received: lookups are estimated from the turns on CRM connections, what left "
	 "also from its bytes"},
	{"records in the clipboard", "partial",
	 "text of X11 selections, of one piece of memory a call, to 256 KiB; not in what INCR "
	 "cuts, nor in UTF-16 and rich forms"},
};

static const struct channel answers_seen = {
	"names by DNS answers", "partial",
	"answers from port 53 to this network namespace, loopback included, and what a bridge in "
	"it passes on; what systemd-resolved (252 and later) answers, in whatever way it is asked "
	"and wherever it asks; not DNS over TLS or HTTPS of others, fragments, other namespaces, "
	"and what was answered before the agent came; a forged answer is believed, and of many "
	"hosts at one address the last one answered is named"};

static const struct channel answers_not_seen = {
	"names by DNS answers", "partial",
	"those of systemd-resolved (252 and later); the agent may not listen to packets"};

static const struct channel names_said = {
	"names of destinations", "partial",
	"a TCP connection is named by its TLS hello, HTTP CONNECT or HTTP Host, QUIC of versions "
	"1 and 2 by its hello, also when that was sent before the app held labelled data, and in "
	"other network namespaces (containers); by address where it was sent before the agent "
	"came, behind 16 segments, in several TLS records, behind 8 KiB of a hello or 1 KiB of a "
	"request, in a datagram behind one that is no Initial or behind the eighth, of those that "
	"UDP_SEGMENT makes of one, and outside of the cgroups of an agent that is in a container "
	"itself; of several plain requests on one connection the one is named that the first "
	"labelled bytes were for, or one within a second of it; two namespaces that use the same "
	"ports to one host at the same time are taken for one"};

static const struct channel names_said_labelled = {
	"names of destinations", "partial",
	"a TCP connection that an app opens while it holds labelled data is named by its TLS "
	"hello, HTTP CONNECT or HTTP Host, QUIC of versions 1 and 2 by its hello; those that were "
	"made before, whose hello or request comes in several writes, what io_uring sends, QUIC "
	"hellos of which UDP_SEGMENT makes several datagrams, and QUIC begun before the agent was "
	"restarted, by address: there is no v2 hierarchy of cgroups, or the agent may not listen "
	"at its root"};

static int add_channel(json_t *table, const struct channel *channel)
{
	return json_array_append_new(table,
				     json_pack("{s:s, s:s, s:s}", "channel", channel->name,
					       "coverage", channel->coverage, "why", channel->why));
}

static void add_unread_records(json_t *table, const struct agent *agent)
{
	_cleanup_free_ char *why = agent_describe_unread_records(agent);
	const struct channel unread = {"some records in what programs write", "none", why};

	if (why)
		add_channel(table, &unread);
}

json_t *agent_describe_coverage(const struct agent *agent)
{
	json_t *table = json_array();
	struct sensor_start start;

	sensor_describe_start(agent->sensor, &start);
	add_channel(table, start.follows_uring ? &rings_followed : &rings_missed);
	add_channel(table, agent_hears_greetings(agent) ? &names_said : &names_said_labelled);
	add_channel(table, agent_sees_answers(agent) ? &answers_seen : &answers_not_seen);
	add_channel(table, agent->scan ? &records_counted : &records_not_counted);
	for (size_t i = 0; agent->scan && i < sizeof(streams_counted) / sizeof(streams_counted[0]);
	     i++)
		add_channel(table, &streams_counted[i]);
	add_unread_records(table, agent);
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		add_channel(table, &channels[i]);
	return table;
}
