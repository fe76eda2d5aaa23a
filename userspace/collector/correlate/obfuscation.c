/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/obfuscation.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/file_type.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "policy/policy.h"

/*
 * On the way out the data was packed or encrypted (T1560), encoded or split (T1027),
 * or given the name of another type (T1036). Each technique counts once, however
 * often it was used. Names are evidence here, the lineage itself never follows them.
 */

#define CITED_REPORTS 8     /* of one flow */
#define MAX_SHOWN_BYTES 600 /* of the list in a reason; the rest is said to be there */

struct technique {
	const char *attack;
	const char *what;
	const char *what_zh;
	const char *programs; /* each with a space on both sides */
};

enum {
	PACKED,
	ENCODED,
	DISGUISED,
	N_TECHNIQUES
};

static const struct technique techniques[N_TECHNIQUES] = {
	[PACKED] = {"T1560", "packed or encrypted", "压缩或加密",
		    " zip 7z 7za 7zr 7zz rar tar bsdtar gzip pigz bzip2 pbzip2 lbzip2 xz pixz lzma "
		    "zstd lz4 lzop brotli ar cpio gpg gpg2 gpgsm openssl age rage ccrypt mcrypt "
		    "scrypt aespipe mksquashfs "},
	[ENCODED] = {"T1027", "encoded or split", "编码或拆分",
		     " base64 base32 basenc uuencode xxd hexdump od split csplit steghide "},
	[DISGUISED] = {"T1036", "given the name of another file type", "改用其他文件类型的名称",
		       ""},
};

/* Programs that write what they read, unchanged. */
static const char copiers[] = " cp mv cat dd install rsync tee ";

struct finding {
	char *text; /* "zip wrote a.zip; ..." NULL: none */
	struct incident_ids events;
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = words; n > 0 && (at = strstr(at, word)); at++)
		if (at > words && at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

static int note(struct finding *finding, const char *text)
{
	char *longer;

	if (finding->text && strstr(finding->text, text))
		return 0;
	if (finding->text && strlen(finding->text) + strlen(text) > MAX_SHOWN_BYTES)
		return 0;
	if (asprintf(&longer, "%s%s%s", finding->text ? finding->text : "",
		     finding->text ? "; " : "", text) < 0)
		return -ENOMEM;
	free(finding->text);
	finding->text = longer;
	return 0;
}

static const char *object_name(const struct lineage_flow *flow)
{
	const struct event_object *object = &flow->event->object;

	return object->name ? lineage_basename(object->name)
			    : event_object_kind_to_string(object->kind);
}

static bool is_file_in(const struct lineage_flow *flow)
{
	return flow->event->direction == EVENT_DIRECTION_IN &&
	       flow->event->object.kind != EVENT_OBJECT_SOCKET && flow->event->n_labels > 0;
}

/* A file is written with a name of its own, also on a disk that is carried away. */
static bool is_object_out(const struct lineage_flow *flow)
{
	bool is_wire = flow->is_egress && flow->event->object.kind != EVENT_OBJECT_FILE;

	return flow->event->direction == EVENT_DIRECTION_OUT && !is_wire && !flow->is_crm;
}

/* What a program does with all that it reads. */
enum program_way {
	PROGRAM_PACKS = PACKED,
	PROGRAM_ENCODES = ENCODED,
	PROGRAM_COPIES,
	PROGRAM_WORKS, /* nobody knows */
};

static enum program_way way_of(const char *program)
{
	for (int i = PACKED; i <= ENCODED; i++)
		if (has_word(techniques[i].programs, program))
			return (enum program_way)i;
	return has_word(copiers, program) ? PROGRAM_COPIES : PROGRAM_WORKS;
}

/* The technique that an app used between what it read and what it wrote, or -1. */
static int technique_of(enum program_way way, const struct lineage_flow *in,
			const struct lineage_flow *out)
{
	enum file_type to;

	if (way == PROGRAM_PACKS || way == PROGRAM_ENCODES)
		return (int)way;
	if (way == PROGRAM_COPIES || (in->bytes > 0 && in->bytes == out->bytes))
		return file_type_is_disguise(in->event->object.name, out->event->object.name)
			       ? DISGUISED
			       : -1;
	/* Any other program whose output calls itself an archive. */
	to = file_type_of(out->event->object.name);
	if ((to == FILE_TYPE_ARCHIVE || to == FILE_TYPE_ENCRYPTED) &&
	    file_type_of(in->event->object.name) != to)
		return PACKED;
	return -1;
}

static int note_app(struct finding *findings, enum program_way way, const struct lineage_flow *in,
		    const struct lineage_flow *out)
{
	_cleanup_free_ char *text = NULL;
	int i = technique_of(way, in, out), r;

	if (i < 0)
		return 0;
	if (asprintf(&text, "%s: %s -> %s", lineage_program(in->event), object_name(in),
		     object_name(out)) < 0)
		return -ENOMEM;
	r = note(&findings[i], text);
	if (r == 0)
		r = detector_cite_flow(&findings[i].events, in, CITED_REPORTS);
	if (r == 0)
		r = detector_cite_flow(&findings[i].events, out, CITED_REPORTS);
	return r;
}

/* What an app tells itself did not go out so: a browser has a thousand such objects, and each way
 * in would be held against each way out. */
static int look_at_app(struct finding *findings, const struct lineage *lineage, size_t i_out)
{
	const struct lineage_flow *out = &lineage->flows[i_out];
	enum program_way way = way_of(lineage_program(out->event));
	int r = 0;

	for (size_t i = lineage->apps[out->app].first_flow; i != LINEAGE_NO_FLOW && r == 0;
	     i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *in = &lineage->flows[i];

		if (is_file_in(in) && in->first_ns <= out->last_ns &&
		    !lineage_is_inner(lineage, in))
			r = note_app(findings, way, in, out);
	}
	return r;
}

static bool packs(const struct lineage *lineage, const struct lineage_flow *out)
{
	enum program_way way = way_of(lineage_program(out->event));

	for (size_t i = lineage->apps[out->app].first_flow; i != LINEAGE_NO_FLOW;
	     i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *in = &lineage->flows[i];

		if (is_file_in(in) && in->first_ns <= out->last_ns &&
		    !lineage_is_inner(lineage, in) && technique_of(way, in, out) == PACKED)
			return true;
	}
	return false;
}

bool obfuscation_is_packed(const struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->n_flows; i++)
		if (is_object_out(&lineage->flows[i]) && packs(lineage, &lineage->flows[i]))
			return true;
	return false;
}

static int look_at_names(struct finding *finding, const struct lineage_object *object)
{
	int r = 0;

	for (size_t i = 0; i < object->n_names && r == 0; i++) {
		for (size_t j = 0; j < object->n_names && r == 0; j++) {
			const struct lineage_name *before = &object->names[i];
			const struct lineage_name *after = &object->names[j];
			_cleanup_free_ char *text = NULL;

			/* A name given after it had been read did not help it out. */
			if (before->id > after->id || after->time_ns > object->until_ns ||
			    !file_type_is_disguise(before->name, after->name))
				continue;
			if (asprintf(&text, "%s -> %s", lineage_basename(before->name),
				     lineage_basename(after->name)) < 0)
				return -ENOMEM;
			r = note(finding, text);
			if (r == 0)
				r = incident_ids_add(&finding->events, before->id);
			if (r == 0)
				r = incident_ids_add(&finding->events, after->id);
		}
	}
	return r;
}

static int report(const struct detector *detector, const struct policy *policy,
		  struct incident *incident, const struct technique *technique,
		  const struct finding *finding)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	int64_t points = policy_detect_value(policy, detector->id, "weight", 20);

	if (asprintf(&reason, "On the way out the data was %s (%s).", technique->what,
		     finding->text) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh, "数据在发出之前被%s（%s）。", technique->what_zh, finding->text) <
	    0)
		return -ENOMEM;
	return detector_add(detector, incident, technique->attack, points, reason, reason_zh,
			    &finding->events);
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	const struct lineage *lineage = episode->lineage;
	struct finding findings[N_TECHNIQUES] = {0};
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++)
		if (is_object_out(&lineage->flows[i]) &&
		    !lineage_is_inner(lineage, &lineage->flows[i]))
			r = look_at_app(findings, lineage, i);
	for (size_t i = 0; i < lineage->n_objects && r == 0; i++)
		r = look_at_names(&findings[DISGUISED], &lineage->objects[i]);
	for (size_t i = 0; i < N_TECHNIQUES && r == 0; i++)
		if (findings[i].text)
			r = report(detector, policy, incident, &techniques[i], &findings[i]);
	for (size_t i = 0; i < N_TECHNIQUES; i++) {
		free(findings[i].text);
		incident_ids_done(&findings[i].events);
	}
	return r;
}

const struct detector detector_obfuscation = {
	.id = "obfuscation",
	.title = "packed, encrypted, encoded, split or renamed on the way out",
	.title_zh = "发出之前经过压缩、加密、编码、拆分或改名",
	.attack = "T1560 T1027 T1036",
	.run = run,
};
