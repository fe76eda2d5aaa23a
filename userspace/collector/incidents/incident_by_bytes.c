/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_by_bytes.h"

#include <errno.h>
#include <inttypes.h>

#include "collector/incidents/incident.h"
#include "collector/incidents/incident_format.h"

json_t *incident_by_bytes_to_document(const struct incident *incident)
{
	const struct incident_by_bytes *by = &incident->by_bytes;

	return json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "records", (json_int_t)by->records,
			 "bytes_per_record", (json_int_t)by->bytes_per_record, "n_samples",
			 (json_int_t)by->n_samples, "received", (json_int_t)by->received,
			 "is_packed", by->is_packed, "is_floor", by->is_floor, "is_answer",
			 by->is_answer);
}

int incident_by_bytes_from_document(json_t *json, struct incident *incident)
{
	json_int_t records, bytes, samples, received;
	int is_packed, is_floor, is_answer;

	if (!json || json_is_null(json))
		return 0;
	if (json_unpack(json, "{s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "records", &records,
			"bytes_per_record", &bytes, "n_samples", &samples, "received", &received,
			"is_packed", &is_packed, "is_floor", &is_floor, "is_answer",
			&is_answer) < 0)
		return -EBADMSG;
	incident->by_bytes = (struct incident_by_bytes){
		.records = (uint64_t)records,
		.bytes_per_record = (uint64_t)bytes,
		.n_samples = (uint64_t)samples,
		.received = (uint64_t)received,
		.is_packed = is_packed,
		.is_floor = is_floor,
		.is_answer = is_answer,
	};
	return 0;
}

json_t *incident_by_bytes_to_json(const struct incident *incident)
{
	const struct incident_by_bytes *by = &incident->by_bytes;

	if (by->records == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:o, s:b, s:b}", "records", (json_int_t)by->records,
			 "bytes_per_record", (json_int_t)by->bytes_per_record, "samples",
			 (json_int_t)by->n_samples, "received",
			 by->received > 0 ? json_integer((json_int_t)by->received) : json_null(),
			 "at_least", by->is_floor, "is_answer", by->is_answer);
}

static void write_limits(const struct incident_by_bytes *by, bool zh, FILE *out)
{
	if (by->received > 0 && by->records == by->received)
		fprintf(out,
			zh ? "；按大小推算会更多，但此前取得的不超过 %s 条"
			   : "; its size would hold more, but no more than %s had come in",
			incident_format_number(by->received).text);
	else if (by->is_floor)
		fputs(zh ? "；那些数据未经压缩，本次经过压缩或加密，实际可能更多"
			 : "; those were not packed and this was, so it may be more",
		      out);
}

void incident_explain_by_bytes(const struct incident *incident, bool zh, FILE *out)
{
	const struct incident_by_bytes *by = &incident->by_bytes;

	if (by->records == 0 || (!by->is_answer && by->records == incident->records))
		return;
	if (by->is_answer)
		fputs(zh ? "发出的记录无法逐条清点，若全部为此类数据，"
			 : " What left could not be counted: if all of it is such data, it was",
		      out);
	else
		fputs(zh ? "另按发出的大小推算，" : " By the size of what left it would be", out);
	fprintf(out,
		zh ? "约 %s 条记录（由 %s 字节推算，每条记录约 %s 字节，取此前 %" PRIu64
		     " 次同类数据精确清点的中位数"
		   : " about %s record(s) (estimated from %s bytes at %s bytes a record, the "
		     "median "
		     "of %" PRIu64 " exact counts of the same classes before it",
		incident_format_number(by->records).text,
		incident_format_number(incident->bytes_out).text,
		incident_format_number(by->bytes_per_record).text, by->n_samples);
	write_limits(by, zh, out);
	fputs(zh ? "）。" : ").", out);
}
