/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_parse.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy_keys.h"
#include "policy/policy_problems.h"

/*
 * inih splits keys from values; what it does not tell (line numbers, sections without keys,
 * every error and not the first only, names cut at 49 bytes) is seen by its line reader here.
 */
struct parser {
	struct policy_draft *draft;
	struct policy_problems *problems;
	const char *file;
	const char *next, *end;
	unsigned int line;
	ssize_t section; /* index in the draft; -1: none, or one that is left out */
	bool before_any_section;
	bool may_continue; /* a key stands above */
	bool continues;    /* the line goes on with the value of that key */
	int error;
};

static void report(struct parser *parser, int error)
{
	if (error < 0)
		parser->error = error;
}

#define PROBLEM(parser, ...)                                                                   \
	report(parser, policy_problems_add((parser)->problems, (parser)->file, (parser)->line, \
					   __VA_ARGS__))

static void report_unknown_section(struct parser *parser, const char *word)
{
	const char *words[POLICY_N_SECTION_KINDS], *nearest;

	for (int kind = 0; kind < POLICY_N_SECTION_KINDS; kind++)
		words[kind] = policy_keys_sections[kind].section;
	nearest = policy_problems_nearest(word, words, POLICY_N_SECTION_KINDS);
	if (nearest)
		PROBLEM(parser, "unknown section \"%s\", did you mean \"%s\"?", word, nearest);
	else
		PROBLEM(parser,
			"unknown section \"%s\"; sections are class, crm, export, client, trusted, "
			"sink, hub, browser, record, sensor, people and detect",
			word);
}

static void open_section(struct parser *parser, int kind, const char *name)
{
	struct policy_draft *draft = parser->draft;
	struct policy_section *section;

	for (size_t i = 0; i < draft->n_sections; i++) {
		if (draft->sections[i].kind == (enum policy_section_kind)kind &&
		    !strcmp(draft->sections[i].name, name)) {
			parser->section = (ssize_t)i;
			return;
		}
	}
	if (draft->n_sections == POLICY_MAX_SECTIONS) {
		PROBLEM(parser, "more than %d sections", POLICY_MAX_SECTIONS);
		return;
	}
	section = policy_model_add(&draft->sections, &draft->n_sections, sizeof(*section));
	if (!section) {
		parser->error = -ENOMEM;
		return;
	}
	*section = (struct policy_section){
		.kind = (enum policy_section_kind)kind,
		.name = strdup(name),
		.file = parser->file,
		.line = parser->line,
	};
	if (!section->name) {
		draft->n_sections--;
		parser->error = -ENOMEM;
		return;
	}
	parser->section = (ssize_t)draft->n_sections - 1;
}

static void skip_blanks(const char **text)
{
	while (**text == ' ' || **text == '\t')
		(*text)++;
}

/* Splits `word "name"]` with nothing behind it but a comment. False when it is not that. */
static bool split_heading(const char *text, char *ret_word, char *ret_name, bool *ret_has_name)
{
	size_t n_word = strcspn(text, " \t\"]"), n_name = 0;

	if (!n_word || n_word > POLICY_MAX_NAME_BYTES)
		return false;
	memcpy(ret_word, text, n_word);
	ret_word[n_word] = '\0';
	text += n_word;
	skip_blanks(&text);
	*ret_has_name = *text == '"';
	if (*ret_has_name) {
		text++;
		n_name = strcspn(text, "\"]");
		if (text[n_name] != '"' || n_name > POLICY_MAX_NAME_BYTES)
			return false;
		memcpy(ret_name, text, n_name);
		text += n_name + 1;
		skip_blanks(&text);
	}
	ret_name[n_name] = '\0';
	if (*text++ != ']')
		return false;
	skip_blanks(&text);
	return !*text || *text == ';' || *text == '#';
}

static void read_heading(struct parser *parser, const char *text)
{
	char word[POLICY_MAX_NAME_BYTES + 1], name[POLICY_MAX_NAME_BYTES + 1];
	const struct policy_section_keys *known;
	bool has_name;
	int kind;

	parser->section = -1;
	parser->before_any_section = false;
	if (!split_heading(text, word, name, &has_name)) {
		PROBLEM(parser,
			"not a section; write [class \"NAME\"], the name in quotes and at "
			"most %d bytes long",
			POLICY_MAX_NAME_BYTES);
		return;
	}
	kind = policy_keys_find_section(word);
	if (kind < 0) {
		report_unknown_section(parser, word);
		return;
	}
	known = &policy_keys_sections[kind];
	if (known->has_name && !name[0])
		PROBLEM(parser, "[%s] needs a name, as in %s", word, known->example);
	else if (!known->has_name && has_name)
		PROBLEM(parser, "[%s] takes no name", word);
	else
		open_section(parser, kind, name);
}

/* Copies one line into inih's buffer; false when inih should see an empty line instead. */
static bool take_line(struct parser *parser, const char *line, size_t size, char *buffer, int room)
{
	const char *text = buffer;
	size_t skipped = 0;

	parser->continues = false;
	while (skipped < size && (line[skipped] == ' ' || line[skipped] == '\t'))
		skipped++;
	if (memchr(line, '\0', size)) {
		PROBLEM(parser, "a NUL byte; a policy is plain UTF-8 text");
		return false;
	}
	if (skipped == size || line[skipped] == '#' || line[skipped] == ';')
		return false;
	/* An indented line goes on with the list above only when it is no key of its own. */
	if (skipped && parser->may_continue && !memchr(line, '=', size) && line[skipped] != '[') {
		parser->continues = true;
	} else {
		line += skipped;
		size -= skipped;
		parser->may_continue = false;
	}
	if (size + 2 > (size_t)room) {
		PROBLEM(parser,
			"a line of %zu bytes; at most %d fit, go on in an indented line below",
			size, room - 2);
		return false;
	}
	memcpy(buffer, line, size);
	memcpy(buffer + size, "\n", 2);
	if (*text == '[') {
		buffer[size] = '\0';
		read_heading(parser, text + 1);
		/* The names inih keeps are not used: it would cut them at 49 bytes. */
		memcpy(buffer, "[s]\n", 5);
		return true;
	}
	if (!parser->continues && !memchr(buffer, '=', size)) {
		PROBLEM(parser, "neither a [section] nor \"key = value\"");
		return false;
	}
	parser->may_continue = true;
	return true;
}

static char *read_line(char *buffer, int room, void *userdata)
{
	struct parser *parser = userdata;
	const char *line = parser->next, *newline;
	size_t size;

	if (line == parser->end || parser->error || room < 8)
		return NULL;
	newline = memchr(line, '\n', (size_t)(parser->end - line));
	parser->next = newline ? newline + 1 : parser->end;
	size = (size_t)((newline ? newline : parser->end) - line);
	parser->line++;
	if (parser->line == 1 && size >= 3 && !memcmp(line, "\xEF\xBB\xBF", 3))
		line += 3, size -= 3;
	while (size && (line[size - 1] == '\r' || line[size - 1] == ' ' || line[size - 1] == '\t'))
		size--;
	if (!take_line(parser, line, size, buffer, room))
		memcpy(buffer, "\n", 2);
	return buffer;
}

static void report_unknown_key(struct parser *parser, const struct policy_section *section,
			       const char *key)
{
	const struct policy_section_keys *known = &policy_keys_sections[section->kind];
	const char *nearest = policy_problems_nearest(key, known->keys, known->n_keys);
	char list[256] = "";

	for (size_t i = 0; i < known->n_keys; i++) {
		strcat(list, i ? ", " : "");
		strcat(list, known->keys[i]);
	}
	if (nearest)
		PROBLEM(parser, "unknown key \"%s\" in [%s], did you mean \"%s\"?", key,
			known->section, nearest);
	else
		PROBLEM(parser, "unknown key \"%s\" in [%s]; known: %s", key, known->section, list);
}

static bool is_known_key(const struct policy_section *section, const char *key)
{
	const struct policy_section_keys *known = &policy_keys_sections[section->kind];

	/* Settings are checked against their detector, later. */
	if (section->kind == POLICY_SECTION_DETECT)
		return true;
	for (size_t i = 0; i < known->n_keys; i++)
		if (!strcmp(known->keys[i], key))
			return true;
	return false;
}

static int store_value(struct parser *parser, struct policy_section *section, const char *key,
		       const char *value)
{
	struct policy_entry *entry = (struct policy_entry *)policy_section_find(section, key);
	_cleanup_free_ char *stored = NULL;

	if (parser->continues && entry) {
		if (asprintf(&stored, "%s,%s", entry->value, value) < 0)
			return -ENOMEM;
		free(entry->value);
		entry->value = TAKE(stored);
		return 0;
	}
	stored = strdup(value);
	if (!stored)
		return -ENOMEM;
	if (!entry) {
		_cleanup_free_ char *name = strdup(key);

		if (!name)
			return -ENOMEM;
		entry = policy_model_add(&section->entries, &section->n_entries, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->key = TAKE(name);
	}
	free(entry->value);
	entry->value = TAKE(stored);
	entry->file = parser->file;
	entry->line = parser->line;
	return 0;
}

static int handle_value(void *userdata, const char *inih_section, const char *key,
			const char *value)
{
	struct parser *parser = userdata;
	struct policy_section *section;

	(void)inih_section;
	if (parser->before_any_section) {
		PROBLEM(parser,
			"\"%s\" stands before any section; begin with one, as in [class "
			"\"policy.property\"]",
			key);
		return 1;
	}
	if (parser->section < 0)
		return 1;
	section = &parser->draft->sections[parser->section];
	if (is_known_key(section, key))
		report(parser, store_value(parser, section, key, value));
	else if (!parser->continues)
		report_unknown_key(parser, section, key);
	return 1;
}

int policy_parse_text(struct policy_draft *draft, const char *file, const char *text, size_t size,
		      struct policy_problems *problems)
{
	struct parser parser = {
		.draft = draft,
		.problems = problems,
		.file = file,
		.next = text,
		.end = text + size,
		.section = -1,
		.before_any_section = true,
	};
	size_t n_problems = problems->n_items;
	int error;

	error = ini_parse_stream((ini_reader)read_line, &parser, handle_value, &parser);
	if (parser.error)
		return parser.error;
	/* What inih alone objects to must not pass either. */
	if (error > 0 && problems->n_items == n_problems)
		return policy_problems_add(problems, file, (unsigned int)error,
					   "neither a [section] nor \"key = value\"");
	return 0;
}
