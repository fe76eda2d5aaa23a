/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_channel.h"

#include <string.h>

#include "collector/incidents/incident.h"

static const struct {
	const char *channel, *text, *text_zh;
} texts[] = {
	{"web", "web upload", "网页上传"},
	{"webmail", "webmail", "网页邮箱"},
	{"im", "instant messaging", "即时通讯"},
	{"cloud", "cloud storage", "云存储"},
	{"code", "a code host", "代码托管平台"},
	{"ssh", "SSH", "SSH"},
	{"scp", "scp over SSH", "SSH上的scp"},
	{"sftp", "sftp over SSH", "SSH上的sftp"},
	{"sshfs", "sshfs over SSH", "SSH上的sshfs"},
	{"rsync", "rsync", "rsync"},
	{"git", "git push", "git推送"},
	{"ftp", "FTP", "FTP"},
	{"smtp", "SMTP mail", "SMTP邮件"},
	{"mail", "a mailbox", "邮箱"},
	{"dns", "DNS queries", "DNS查询"},
	{"smb", "SMB", "SMB"},
	{"nfs", "NFS", "NFS"},
	{"tcp", "a TCP connection", "TCP连接"},
	{"udp", "UDP datagrams", "UDP数据报"},
};

static const char *text_of(const char *channel, bool zh)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].channel, channel) == 0)
			return zh ? texts[i].text_zh : texts[i].text;
	return NULL;
}

/* A sink's kind stands behind its name; a sink without a name has none there. */
static bool is_told(const struct incident *incident, size_t at)
{
	const struct incident_sink *sink = &incident->sinks[at];

	if (*sink->name && strcmp(sink->kind, sink->channel) == 0)
		return true;
	for (size_t i = 0; i < at; i++)
		if (strcmp(incident->sinks[i].channel, sink->channel) == 0)
			return true;
	return false;
}

void incident_explain_channels(const struct incident *incident, bool zh, FILE *out)
{
	size_t n_told = 0;

	for (size_t i = 0; i < incident->n_sinks; i++) {
		const char *text = text_of(incident->sinks[i].channel, zh);

		if (!text || is_told(incident, i))
			continue;
		if (n_told++ == 0)
			fputs(zh ? "外发渠道：" : " It left by ", out);
		else
			fputs(zh ? "、" : ", ", out);
		fputs(text, out);
	}
	if (n_told > 0)
		fputs(zh ? "。" : ".", out);
}
