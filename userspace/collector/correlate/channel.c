/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/channel.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "collector/correlate/lineage.h"
#include "event/event.h"

#define N_ITEMS(array) (sizeof(array) / sizeof((array)[0]))
#define FTP_PORT 21

/* Ports that one protocol has to itself, by IANA's list. */
static const struct {
	uint32_t port;
	const char *channel;
} ports[] = {
	{20, "ftp"},   {FTP_PORT, "ftp"}, {990, "ftp"},  {22, "ssh"},   {25, "smtp"},
	{465, "smtp"}, {587, "smtp"},     {53, "dns"},   {853, "dns"},  {873, "rsync"},
	{9418, "git"}, {110, "mail"},     {995, "mail"}, {143, "mail"}, {993, "mail"},
	{139, "smb"},  {445, "smb"},      {2049, "nfs"}, {5222, "im"},  {5223, "im"},
	{6667, "im"},  {6697, "im"},
};

/* What these hosts, and those below them, are there for. */
static const struct {
	const char *host, *channel;
} services[] = {
	{"mail.google.com", "webmail"},
	{"outlook.live.com", "webmail"},
	{"outlook.office.com", "webmail"},
	{"outlook.office365.com", "webmail"},
	{"mail.yahoo.com", "webmail"},
	{"mail.proton.me", "webmail"},
	{"mail.qq.com", "webmail"},
	{"exmail.qq.com", "webmail"},
	{"mail.163.com", "webmail"},
	{"mail.126.com", "webmail"},
	{"mail.aliyun.com", "webmail"},
	{"web.whatsapp.com", "im"},
	{"web.telegram.org", "im"},
	{"wx.qq.com", "im"},
	{"weixin.qq.com", "im"},
	{"dingtalk.com", "im"},
	{"feishu.cn", "im"},
	{"slack.com", "im"},
	{"discord.com", "im"},
	{"teams.microsoft.com", "im"},
	{"drive.google.com", "cloud"},
	{"dropbox.com", "cloud"},
	{"dropboxapi.com", "cloud"},
	{"onedrive.live.com", "cloud"},
	{"sharepoint.com", "cloud"},
	{"box.com", "cloud"},
	{"mega.nz", "cloud"},
	{"wetransfer.com", "cloud"},
	{"amazonaws.com", "cloud"},
	{"aliyuncs.com", "cloud"},
	{"myqcloud.com", "cloud"},
	{"pan.baidu.com", "cloud"},
	{"pcs.baidu.com", "cloud"},
	{"alipan.com", "cloud"},
	{"weiyun.com", "cloud"},
	{"cloud.189.cn", "cloud"},
	{"github.com", "code"},
	{"gitlab.com", "code"},
	{"gitee.com", "code"},
	{"pastebin.com", "code"},
};

/* Programs that have ssh carry what they send, or speak HTTP for git. */
static const struct {
	const char *program, *channel;
} tools[] = {
	{"scp", "scp"}, {"sftp", "sftp"}, {"rsync", "rsync"}, {"git", "git"}, {"sshfs", "sshfs"},
};

/* Programs that speak FTP: what they say besides its data may all come before they read any. */
static const char *const ftp_clients[] = {"ftp", "tnftp", "inetutils-ftp", "lftp", "ncftpput"};

static const char *channel_of_port(uint32_t port)
{
	for (size_t i = 0; i < N_ITEMS(ports); i++)
		if (ports[i].port == port)
			return ports[i].channel;
	return NULL;
}

static const char *channel_of_host(const char *host)
{
	size_t bytes = host ? strlen(host) : 0;

	for (size_t i = 0; i < N_ITEMS(services); i++) {
		size_t n = strlen(services[i].host);

		if (bytes >= n && !strcasecmp(host + bytes - n, services[i].host) &&
		    (bytes == n || host[bytes - n - 1] == '.'))
			return services[i].channel;
	}
	return NULL;
}

static bool is_web_port(uint32_t port)
{
	return port == 80 || port == 443 || port == 8080 || port == 8443 || port == 3128;
}

static const char *tool_of(const struct event *event)
{
	const char *program = lineage_program(event);

	for (size_t i = 0; i < N_ITEMS(tools); i++) {
		size_t n = strlen(tools[i].program);

		/* git has a program for each thing it does. */
		if (!strncmp(program, tools[i].program, n) && (!program[n] || program[n] == '-'))
			return tools[i].channel;
	}
	return NULL;
}

static bool is_same_object(const struct event_object *a, const struct event_object *b)
{
	return a->kind == b->kind && a->ino == b->ino && a->dev == b->dev &&
	       a->generation == b->generation;
}

/* The tool whose data the app took in by a pipe or a socket between the two of them. */
static const char *find_tool(const struct lineage *lineage, const struct lineage_flow *egress)
{
	const char *tool = NULL;

	for (size_t i = lineage->apps[egress->app].first_flow; i != LINEAGE_NO_FLOW && !tool;
	     i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *in = &lineage->flows[i];
		enum event_object_kind kind = in->event->object.kind;

		if (in->event->direction != EVENT_DIRECTION_IN ||
		    (kind != EVENT_OBJECT_PIPE && kind != EVENT_OBJECT_UNIX))
			continue;
		for (size_t j = 0; j < lineage->n_flows && !tool; j++) {
			const struct lineage_flow *out = &lineage->flows[j];

			if (out->app != egress->app &&
			    out->event->direction == EVENT_DIRECTION_OUT &&
			    is_same_object(&out->event->object, &in->event->object))
				tool = tool_of(out->event);
		}
	}
	return tool;
}

/* The port of FTP's data is another one each time; what says so goes to the same host. */
static bool is_ftp_data(const struct lineage *lineage, const struct lineage_flow *egress)
{
	const char *address = egress->event->object.address;

	for (size_t i = lineage->apps[egress->app].first_flow; i != LINEAGE_NO_FLOW;
	     i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (address && flow->event->direction == EVENT_DIRECTION_OUT &&
		    flow->event->object.port == FTP_PORT && flow->event->object.address &&
		    !strcmp(flow->event->object.address, address))
			return true;
	}
	return false;
}

static bool is_ftp_client(const struct event *event)
{
	for (size_t i = 0; i < N_ITEMS(ftp_clients); i++)
		if (!strcmp(lineage_program(event), ftp_clients[i]))
			return true;
	return false;
}

static const char *channel_of_web(const struct event *event)
{
	const struct event_object *object = &event->object;
	const char *channel = tool_of(event);

	if (channel)
		return channel;
	if (object->zone_kind && *object->zone_kind)
		return strcmp(object->zone_kind, "mail") == 0 ? "webmail" : object->zone_kind;
	channel = channel_of_host(object->host);
	return channel ? channel : "web";
}

static const char *channel_of_socket(const struct lineage *lineage, const struct lineage_flow *flow)
{
	const struct event_object *object = &flow->event->object;
	const char *channel = channel_of_port(object->port), *tool, *slash;

	if (channel && strcmp(channel, "ssh") == 0) {
		tool = find_tool(lineage, flow);
		return tool ? tool : channel;
	}
	if (channel)
		return channel;
	if (is_web_port(object->port))
		return channel_of_web(flow->event);
	if (is_ftp_client(flow->event) || is_ftp_data(lineage, flow))
		return "ftp";
	if (object->zone_kind && *object->zone_kind)
		return object->zone_kind;
	slash = object->name ? strrchr(object->name, '/') : NULL;
	return slash ? slash + 1 : "";
}

const char *channel_of(const struct lineage *lineage, const struct lineage_flow *flow)
{
	const struct event_object *object = &flow->event->object;

	if (object->kind == EVENT_OBJECT_DOMAIN)
		return "dns";
	if (object->kind == EVENT_OBJECT_SOCKET)
		return channel_of_socket(lineage, flow);
	return object->zone_kind ? object->zone_kind : "";
}
