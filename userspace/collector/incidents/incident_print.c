/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/incidents/incident_explain.h"
#include "collector/incidents/incident_format.h"
#include "collector/incidents/incident_way.h"

static void print_persons(const struct incident *incident, FILE *out)
{
	for (size_t i = 0; i < incident->n_persons; i++)
		fprintf(out, "%s%s", i ? ", " : "", incident->persons[i]);
}

static const char *sink_name(const struct incident *incident)
{
	const struct incident_sink *sink = incident->n_sinks ? &incident->sinks[0] : NULL;

	if (!sink)
		return "?";
	return *sink->name ? sink->name : *sink->host ? sink->host : sink->address;
}

/* Detectors in the order of their addends, each once. */
static void print_detectors(const struct incident *incident, FILE *out)
{
	for (size_t i = 0; i < incident->n_addends; i++) {
		bool is_repeat = false;

		for (size_t j = 0; j < i && !is_repeat; j++)
			is_repeat = !strcmp(incident->addends[j].detector,
					    incident->addends[i].detector);
		if (!is_repeat)
			fprintf(out, "%s%s", i ? ", " : "", incident->addends[i].detector);
	}
}

static void print_records(const struct incident *incident, const char *lang, FILE *out)
{
	const char *certainty = incident_format_certainty(incident->records_certainty, lang);

	bool zh = incident_lang_is_chinese(lang);

	if (incident->records_certainty == EVENT_CERTAINTY_UNKNOWN)
		fprintf(out, zh ? "记录条数%s" : "%s records", certainty);
	else
		fprintf(out, zh ? "%s 条记录（%s）" : "%s records (%s)",
			incident_format_number(incident->records).text, certainty);
}

int incident_print_line(const struct incident *incident, const char *lang, FILE *stream)
{
	bool zh = incident_lang_is_chinese(lang);

	fprintf(stream,
		zh ? "安全事件 %" PRIu64 " %s %" PRId64 "："
		   : "incident %" PRIu64 " %s %" PRId64 ": ",
		incident->id, incident_severity_to_text(incident->severity, lang), incident->score);
	print_persons(incident, stream);
	fprintf(stream, " -> %s, %s %s (%s), ", sink_name(incident),
		incident_format_number(incident->bytes_out).text, zh ? "字节" : "bytes",
		incident_format_certainty(incident->bytes_certainty, lang));
	print_records(incident, lang, stream);
	fputs(" [", stream);
	print_detectors(incident, stream);
	fputs("]\n", stream);
	return ferror(stream) ? -EIO : 0;
}

static void print_head(const struct incident *incident, const char *lang, FILE *out)
{
	bool zh = incident_lang_is_chinese(lang);

	fprintf(out,
		zh ? "安全事件 %" PRIu64 "  级别：%s  分值：%" PRId64 "\n"
		   : "Incident %" PRIu64 "  severity: %s  score: %" PRId64 "\n",
		incident->id, incident_severity_to_text(incident->severity, lang), incident->score);
	fprintf(out, "%s", zh ? "检测项：" : "Detectors: ");
	print_detectors(incident, out);
	fputs("\n\n", out);
}

static void print_addends(const struct incident *incident, const char *lang, FILE *out)
{
	bool zh = incident_lang_is_chinese(lang);

	fputs(zh ? "分值构成：\n" : "Score:\n", out);
	for (size_t i = 0; i < incident->n_addends; i++) {
		const struct incident_addend *addend = &incident->addends[i];

		fprintf(out, "  %+4" PRId64 "  %s", addend->points, addend->detector);
		if (*addend->attack)
			fprintf(out, " [%s]", addend->attack);
		fprintf(out, "\n        %s\n        %s", zh ? addend->reason_zh : addend->reason,
			zh ? "事件记录：" : "events ");
		incident_explain_ids(&addend->events, zh, out);
		fputc('\n', out);
	}
	fprintf(out, "  %4" PRId64 "  %s\n\n", incident->score, zh ? "合计" : "in all");
}

static void print_counts(const struct incident *incident, bool zh, FILE *out)
{
	for (size_t i = 0; i < incident->n_counts; i++) {
		const struct incident_count *count = &incident->counts[i];
		const char *title = zh && *count->title_zh ? count->title_zh : count->title;

		fprintf(out, "    %s  %s\n", incident_format_number(count->n_records).text,
			*title ? title : count->record);
	}
}

static void print_figures(const struct incident *incident, const char *lang, FILE *out)
{
	bool zh = incident_lang_is_chinese(lang);

	fputs(zh ? "数字：\n" : "Figures:\n", out);
	fprintf(out, "  %s%s (%s)\n",
		zh ? "发出字节：" : "bytes out: ", incident_format_number(incident->bytes_out).text,
		incident_format_certainty(incident->bytes_certainty, lang));
	fprintf(out, "  %s", zh ? "记录条数：" : "records: ");
	if (incident->records_certainty != EVENT_CERTAINTY_UNKNOWN)
		fprintf(out, "%s (%s)\n", incident_format_number(incident->records).text,
			incident_format_certainty(incident->records_certainty, lang));
	else
		fprintf(out, "%s\n", incident_format_certainty(incident->records_certainty, lang));
	print_counts(incident, zh, out);
	fputc('\n', out);
}

static int print_way(const struct incident *incident, const char *lang, FILE *out)
{
	bool zh = incident_lang_is_chinese(lang);
	_cleanup_free_ struct incident_leg *legs = NULL;
	size_t n_legs = 0;
	int r = incident_way(incident, &legs, &n_legs);

	if (r < 0)
		return r;
	fputs(zh ? "数据经过的路径：\n" : "Lineage:\n", out);
	for (size_t i = 0; i < n_legs; i++) {
		fprintf(out, "  %s  ", incident_format_time(legs[i].first->first_ns).text);
		incident_explain_leg(&legs[i], zh, out);
		fprintf(out, "  %s %s\n", incident_format_number(legs[i].bytes).text,
			zh ? "字节" : "bytes");
	}
	return 0;
}

int incident_print_text(const struct incident *incident, const char *lang, FILE *stream)
{
	_cleanup_free_ char *text = NULL;
	const char *start;
	int r = incident_explain(incident, lang, &text);

	if (r < 0)
		return r;
	print_head(incident, lang, stream);
	for (start = text; *start == ' '; start++)
		;
	fprintf(stream, "%s\n\n", start);
	print_addends(incident, lang, stream);
	print_figures(incident, lang, stream);
	r = print_way(incident, lang, stream);
	if (r == 0 && ferror(stream))
		r = -EIO;
	return r;
}
