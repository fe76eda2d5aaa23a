/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/incidents/incident_by_bytes.h"
#include "collector/incidents/incident_channel.h"
#include "collector/incidents/incident_explain.h"
#include "collector/incidents/incident_format.h"
#include "collector/incidents/incident_law.h"
#include "collector/incidents/incident_way.h"

#define MAX_LEGS 16   /* in the paragraph: the first and the last; `weir show` lists them all */
#define MAX_RANGES 12 /* of event numbers */

void incident_explain_ids(const struct incident_ids *ids, bool zh, FILE *out)
{
	size_t n_ranges = 0, at = 0;

	while (at < ids->n_items && n_ranges < MAX_RANGES) {
		size_t end = at;

		while (end + 1 < ids->n_items && ids->items[end + 1] == ids->items[end] + 1)
			end++;
		fprintf(out, "%s%" PRIu64, n_ranges ? (zh ? "、" : ", ") : "", ids->items[at]);
		if (end > at)
			fprintf(out, "%s%" PRIu64, zh ? "至" : "-", ids->items[end]);
		at = end + 1;
		n_ranges++;
	}
	if (at < ids->n_items)
		fprintf(out, zh ? "等，另有 %zu 条" : " and %zu more", ids->n_items - at);
}

static void write_joined(char *const *strings, size_t n_strings, bool zh, FILE *out)
{
	for (size_t i = 0; i < n_strings; i++)
		fprintf(out, "%s%s", i == 0 ? "" : zh ? "、" : ", ", strings[i]);
}

static void write_classes(const struct incident *incident, bool zh, FILE *out)
{
	bool is_first = true;

	for (size_t i = 0; i < incident->n_sources; i++) {
		const struct incident_source *source = &incident->sources[i];
		const char *title = zh && *source->title_zh ? source->title_zh : source->title;
		bool is_repeat = false;

		for (size_t j = 0; j < i && !is_repeat; j++)
			is_repeat = !strcmp(incident->sources[j].class_name, source->class_name);
		if (is_repeat)
			continue;
		fprintf(out, "%s%s", is_first ? "" : zh ? "、" : ", ", source->class_name);
		if (*title)
			fprintf(out, zh ? "（%s）" : " (%s)", title);
		is_first = false;
	}
}

/* Who named the host of a place that the policy does not name. */
static const char *describe_host_source(enum event_host_source source, bool zh)
{
	switch (source) {
	case EVENT_HOST_TLS:
		return zh ? "由其TLS握手给出名称" : "named by its TLS hello";
	case EVENT_HOST_TLS_FRONT:
		return zh ? "由其TLS握手给出名称，真实服务器可能另有其名"
			  : "named by its TLS hello, which may be a front";
	case EVENT_HOST_CONNECT:
		return zh ? "由其HTTP CONNECT请求给出名称" : "named by its HTTP CONNECT";
	case EVENT_HOST_HTTP:
		return zh ? "由其HTTP Host给出名称" : "named by its HTTP Host";
	case EVENT_HOST_DNS:
		return zh ? "由DNS应答给出名称" : "named by a DNS answer";
	case EVENT_HOST_FILE:
		return zh ? "由/etc/hosts给出名称" : "named by /etc/hosts";
	default:
		return "";
	}
}

static void write_unnamed_sink(const struct incident_sink *sink, bool zh, FILE *out)
{
	if (*sink->host)
		fprintf(out,
			zh ? "%s（%s，%s；策略未登记）" : "%s (%s, %s; not named by the policy)",
			sink->host, sink->address, describe_host_source(sink->host_source, zh));
	else
		fprintf(out, zh ? "%s（策略未登记）" : "%s (not named by the policy)",
			sink->address);
}

static void write_sinks(const struct incident *incident, bool zh, FILE *out)
{
	for (size_t i = 0; i < incident->n_sinks; i++) {
		const struct incident_sink *sink = &incident->sinks[i];
		if (i > 0)
			fputs(zh ? "、" : ", ", out);
		if (!*sink->name) {
			write_unnamed_sink(sink, zh, out);
			continue;
		}
		fputs(sink->name, out);
		if (*sink->kind && *sink->address)
			fprintf(out, zh ? "（%s，%s）" : " (%s, %s)", sink->kind, sink->address);
		else if (*sink->kind || *sink->address)
			fprintf(out, zh ? "（%s）" : " (%s)",
				*sink->kind ? sink->kind : sink->address);
	}
}

static void write_opening(const struct incident *incident, bool zh, FILE *out)
{
	struct incident_time_text first = incident_format_time(incident->first_ns);
	struct incident_time_text last = incident_format_time(incident->last_ns);
	struct incident_number_text bytes = incident_format_number(incident->bytes_out);
	const char *certainty =
		incident_format_certainty(incident->bytes_certainty, zh ? "zh" : "en");

	if (strcmp(first.text, last.text) == 0)
		fprintf(out, zh ? "%s，人员 " : "At %s, ", first.text);
	else
		fprintf(out, zh ? "%s 至 %s，人员 " : "Between %s and %s, ", first.text, last.text);
	write_joined(incident->persons, incident->n_persons, zh, out);
	fputs(zh ? "（化名）在主机 " : " (a pseudonym) on host ", out);
	write_joined(incident->agents, incident->n_agents, zh, out);
	fputs(zh ? " 上，将标签为 " : " sent data of class ", out);
	write_classes(incident, zh, out);
	fputs(zh ? "的数据发送到 " : " to ", out);
	write_sinks(incident, zh, out);
	fprintf(out, zh ? "，共 %s 字节（%s）" : ": %s bytes (%s)", bytes.text, certainty);
	if (incident->n_counts > 0)
		fprintf(out, zh ? "，%s 条记录（%s）" : ", %s records (%s)",
			incident_format_number(incident->records).text,
			incident_format_certainty(incident->records_certainty, zh ? "zh" : "en"));
	fputs(zh ? "。" : ".", out);
}

static void write_counts(const struct incident *incident, bool zh, FILE *out)
{
	if (incident->n_counts == 0)
		return;
	fputs(zh ? "发出的内容中，去重后有" : " In what went out were, each counted once, ", out);
	for (size_t i = 0; i < incident->n_counts; i++) {
		const struct incident_count *count = &incident->counts[i];
		const char *title = zh && *count->title_zh ? count->title_zh : count->title;
		struct incident_number_text number = incident_format_number(count->n_records);

		fprintf(out, zh ? "%s%s 个%s" : "%s%s %s",
			i == 0 ? (zh ? " " : "")
			: zh   ? "、"
			       : ", ",
			number.text, *title ? title : count->record);
	}
	fputs(zh ? "。" : ".", out);
}

static void write_source(const struct incident *incident, const struct incident_source *source,
			 bool zh, FILE *out)
{
	bool is_counted = incident->records_certainty != EVENT_CERTAINTY_UNKNOWN &&
			  !incident->by_bytes.is_answer;
	struct incident_number_text records = incident_format_number(source->records);
	struct incident_number_text connections = incident_format_number(source->connections);

	if (strcmp(source->kind, "crm") == 0)
		fprintf(out,
			zh ? "数据来自客户管理系统 %s：经 %s 个连接查询约 %s 条记录（估计）。"
			   : " It came from the CRM %s: over %s connection(s) about %s record(s) "
			     "were looked up (estimated).",
			source->name, connections.text, records.text);
	else if (strcmp(source->kind, "export") == 0)
		fprintf(out,
			zh ? "数据来自导出文件夹 %s%s。" : " It came from the export folder %s%s.",
			source->name,
			is_counted ? ""
			: zh       ? "，其中的记录条数未知"
				   : "; how many records it held is unknown");
	else if (strcmp(source->kind, "client") == 0)
		fprintf(out,
			zh ? "数据来自客户端程序 %s，记录条数未知。"
			   : " It came from the client program %s; the number of records is "
			     "unknown.",
			source->name);
	else
		fprintf(out,
			zh ? "标签为 %s 的数据来自何处，现有事件记录无法追溯，记录条数未知。"
			   : " Where the data of class %s came from cannot be traced in these "
			     "events; the number of records is unknown.",
			source->class_name);
}

static void write_sources(const struct incident *incident, bool zh, FILE *out)
{
	bool has_estimate = false;

	for (size_t i = 0; i < incident->n_sources; i++) {
		const struct incident_source *source = &incident->sources[i];
		bool is_repeat = false;

		/* A place with several classes is told once; the classes stand in the opening. */
		for (size_t j = 0; j < i && !is_repeat && *source->name; j++)
			is_repeat = !strcmp(incident->sources[j].name, source->name) &&
				    !strcmp(incident->sources[j].kind, source->kind);
		if (is_repeat)
			continue;
		write_source(incident, source, zh, out);
		has_estimate |= source->certainty == EVENT_CERTAINTY_ESTIMATED;
	}
	if (has_estimate)
		fputs(zh ? "该条数由连接上一问一答的次数推算，不是逐条清点，同一记录可能重复计"
			   "入。"
			 : " That number is estimated from the turns of question and answer on the "
			   "connection, not counted record by record; a record may be in it twice.",
		      out);
}

static const char *verb_of(enum event_object_kind kind, bool is_out, bool zh)
{
	switch (kind) {
	case EVENT_OBJECT_SOCKET:
		return zh ? (is_out ? "发送至" : "接收自") : (is_out ? "sent to" : "received from");
	case EVENT_OBJECT_DOMAIN:
		return zh ? "查询了以下域名下的名称：" : "asked for names below";
	case EVENT_OBJECT_CLIPBOARD:
		return zh ? (is_out ? "复制到" : "粘贴自") : (is_out ? "copied to" : "pasted from");
	case EVENT_OBJECT_TERMINAL:
		return zh ? (is_out ? "粘贴到" : "读取自") : (is_out ? "pasted into" : "read from");
	case EVENT_OBJECT_SCREEN:
		return zh ? (is_out ? "显示于" : "截取") : (is_out ? "drew on" : "grabbed");
	case EVENT_OBJECT_CONSOLE:
		return zh ? (is_out ? "显示于" : "粘贴自") : (is_out ? "showed on" : "pasted from");
	default:
		return zh ? (is_out ? "写入" : "读取") : (is_out ? "wrote" : "read");
	}
}

static const char *place_of(const struct incident_step *step, bool zh)
{
	switch (step->object_kind) {
	case EVENT_OBJECT_CLIPBOARD:
		return zh ? "剪贴板" : "the clipboard";
	case EVENT_OBJECT_TERMINAL:
		return zh ? "终端" : "a terminal";
	case EVENT_OBJECT_SCREEN:
		return zh ? "屏幕" : "the screen";
	case EVENT_OBJECT_CONSOLE:
		return zh ? "文本控制台" : "a text console";
	default:
		return incident_way_place(step);
	}
}

void incident_explain_leg(const struct incident_leg *leg, bool zh, FILE *out)
{
	const struct incident_step *step = leg->first;
	const char *program = incident_way_basename(step->exe);
	const char *verb = verb_of(step->object_kind, step->direction == EVENT_DIRECTION_OUT, zh);

	fprintf(out, "%s %s %s", *program ? program : "?", verb, place_of(step, zh));
	if (leg->n_steps > 1)
		fprintf(out, zh ? "（%zu 次）" : " (%zu times)", leg->n_steps);
}

static int write_way(const struct incident *incident, bool zh, FILE *out)
{
	_cleanup_free_ struct incident_leg *legs = NULL;
	size_t n_legs = 0, n_left_out;
	int r = incident_way(incident, &legs, &n_legs);

	if (r < 0 || n_legs == 0)
		return r;
	n_left_out = n_legs > MAX_LEGS ? n_legs - MAX_LEGS : 0;
	fputs(zh ? "数据经过的路径：" : " The way it took: ", out);
	for (size_t i = 0; i < n_legs; i++) {
		if (i > 0)
			fputs(zh ? "；" : "; ", out);
		if (n_left_out > 0 && i == MAX_LEGS / 2) {
			fprintf(out, zh ? "（另有 %zu 步）；" : "(%zu more steps); ", n_left_out);
			i += n_left_out;
		}
		incident_explain_leg(&legs[i], zh, out);
	}
	fputs(zh ? "。" : ".", out);
	return 0;
}

static void write_addends(const struct incident *incident, bool zh, FILE *out)
{
	for (size_t i = 0; i < incident->n_addends; i++) {
		const struct incident_addend *addend = &incident->addends[i];

		/* The opening has said this one, with more precision. */
		if (strcmp(addend->detector, "direct_egress") == 0 && addend->points > 0 && i == 0)
			continue;
		fprintf(out, zh ? "%s（见事件记录 " : " %s (events ",
			zh ? addend->reason_zh : addend->reason);
		incident_explain_ids(&addend->events, zh, out);
		fputs(zh ? "）" : ")", out);
	}
}

/* The figures that the count has come to, lowest first; the lowest is reached by every fact. */
static void write_reached(const struct incident_law_fact *fact, bool zh, FILE *out)
{
	const uint64_t figures[] = {fact->on_duty, fact->ordinary, fact->ten_times_on_duty};
	const char *comma = zh ? "、" : ", ";

	for (size_t i = 0; i < 3 && fact->records >= figures[i]; i++)
		fprintf(out, "%s%s", i > 0 ? comma : "", incident_format_number(figures[i]).text);
	fputs(zh ? "。" : ".", out);
}

void incident_explain_law(const struct incident *incident, bool zh, FILE *out)
{
	struct incident_law_fact facts[INCIDENT_LAW_MAX_FACTS];
	size_t n_facts = incident_law_facts(incident, facts);

	for (size_t i = 0; i < n_facts; i++) {
		const struct incident_law_fact *fact = &facts[i];
		fprintf(out,
			zh ? "法规数字（仅列事实）：法释〔2017〕10号第五条第(%s)项，%"
			     "s：履职中获得的为 %s，"
			     "一般为 %s，履职中获得的十倍为 %s；本安全事件为 %s（%s），达到 "
			   : " Figures of 法释〔2017〕10号 article 5 (%s), as facts: for %s it "
			     "names "
			     "%s (obtained on duty), %s (ordinary) and %s (ten times, on duty); "
			     "this "
			     "incident has %s (%s), which reaches ",
			zh ? fact->item_zh : fact->item, zh ? fact->title_zh : fact->title,
			incident_format_number(fact->on_duty).text,
			incident_format_number(fact->ordinary).text,
			incident_format_number(fact->ten_times_on_duty).text,
			incident_format_number(fact->records).text,
			incident_format_certainty(fact->certainty, zh ? "zh" : "en"));
		write_reached(fact, zh, out);
	}
	if (n_facts > 0)
		fputs(zh ? "数据属于哪一类、由此得出什么结论，应由法律专业人员判断。"
			 : " Which category the data falls in, and what follows, is for a lawyer "
			   "to "
			   "say.",
		      out);
}

static void write_evidence(const struct incident *incident, bool zh, FILE *out)
{
	uint64_t n_cut = incident->n_cut_steps + incident->n_cut_lineage;

	fputs(zh ? "以上内容由事件记录 " : " All of this is shown by events ", out);
	incident_explain_ids(&incident->events, zh, out);
	fputs(zh ? " 证明，其中只有计数和名称，没有数据内容。"
		 : ", which hold counts and names, never content.",
	      out);
	if (n_cut > 0)
		fprintf(out,
			zh ? "因数量限制，有 %" PRIu64
			     " 条路径分支未继续追溯或未列出，来源可能不完整。"
			   : " Because of limits, %" PRIu64
			     " branch(es) of the way were not followed or not listed: the sources "
			     "may "
			     "be incomplete.",
			n_cut);
	if (incident->n_cut_events > 0)
		fprintf(out,
			zh ? "另有 %" PRIu64 " 条事件记录因数量限制未列入。"
			   : " %" PRIu64 " more event(s) are not listed because of a limit.",
			incident->n_cut_events);
}

int incident_explain(const struct incident *incident, const char *lang, char **ret_text)
{
	bool zh = incident_lang_is_chinese(lang);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	write_opening(incident, zh, out);
	incident_explain_channels(incident, zh, out);
	write_counts(incident, zh, out);
	write_sources(incident, zh, out);
	incident_explain_by_bytes(incident, zh, out);
	r = write_way(incident, zh, out);
	write_addends(incident, zh, out);
	incident_explain_law(incident, zh, out);
	write_evidence(incident, zh, out);
	if (ferror(out))
		r = -ENOMEM;
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	*ret_text = TAKE(text);
	return 0;
}
