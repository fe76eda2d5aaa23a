/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_shape.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Signs that mean something in other pattern languages: taken literally by mistake, they would
 * make a pattern that never fits. */
static const char reserved[] = ".*()|^$]}";

static void add_range(struct policy_shape_atom *atom, uint8_t first, uint8_t last)
{
	for (unsigned int byte = first; byte <= last; byte++)
		atom->bytes[byte / 8] |= (uint8_t)(1 << byte % 8);
}

static bool is_plain(char sign)
{
	return sign > ' ' && sign < 0x7f;
}

/* What stands behind a backslash. */
static const char *parse_escape(const char *text, struct policy_shape_atom *atom,
				const char **ret_why)
{
	switch (*text) {
	case 'd':
		add_range(atom, '0', '9');
		return text + 1;
	case 'a':
		add_range(atom, 'A', 'Z');
		add_range(atom, 'a', 'z');
		return text + 1;
	default:
		if (!is_plain(*text) || isalnum((unsigned char)*text)) {
			*ret_why = "behind a backslash stands d (a digit), a (a letter) or a sign "
				   "that is meant literally";
			return NULL;
		}
		add_range(atom, (uint8_t)*text, (uint8_t)*text);
		return text + 1;
	}
}

/* A blank may stand in a class: "[ -]" between groups of digits. */
static const char *parse_class(const char *text, struct policy_shape_atom *atom,
			       const char **ret_why)
{
	const char *start = text;

	while (*text && (*text != ']' || text == start)) {
		uint8_t first = (uint8_t)*text, last = first;

		if (*text == '\\') {
			text = parse_escape(text + 1, atom, ret_why);
			if (!text)
				return NULL;
			continue;
		}
		if (text[1] == '-' && text[2] && text[2] != ']') {
			last = (uint8_t)text[2];
			text += 2;
		}
		text++;
		if (first > last || first < ' ' || last >= 0x7f) {
			*ret_why =
				"a class holds plain signs and ranges that go up, as in [A-Z0-9]";
			return NULL;
		}
		add_range(atom, first, last);
	}
	if (*text != ']') {
		*ret_why = "a class ends with \"]\", as in [A-Z0-9]";
		return NULL;
	}
	return text + 1;
}

static const char *parse_number(const char *text, unsigned int *ret_number)
{
	unsigned int number = 0;
	const char *start = text;

	while (isdigit((unsigned char)*text) && number <= POLICY_SHAPE_MAX_BYTES)
		number = number * 10 + (unsigned int)(*text++ - '0');
	*ret_number = number;
	return text > start ? text : NULL;
}

static const char *parse_counts(const char *text, struct policy_shape_atom *atom,
				const char **ret_why)
{
	unsigned int least = 0, most;

	text = parse_number(text, &least);
	most = least;
	if (text && *text == ',')
		text = parse_number(text + 1, &most);
	if (!text || *text != '}' || most == 0 || least > most || most > POLICY_SHAPE_MAX_BYTES) {
		*ret_why = "a repetition is {N} or {N,M}, N not above M and M from 1 to 128, as in "
			   "\\d{8}";
		return NULL;
	}
	atom->least = (uint8_t)least;
	atom->most = (uint8_t)most;
	return text + 1;
}

static const char *parse_repetition(const char *text, struct policy_shape_atom *atom,
				    const char **ret_why)
{
	atom->least = atom->most = 1;
	switch (*text) {
	case '?':
		atom->least = 0;
		return text + 1;
	case '+':
		atom->most = 0;
		return text + 1;
	case '{':
		return parse_counts(text + 1, atom, ret_why);
	default:
		return text;
	}
}

static const char *parse_atom(const char *text, struct policy_shape_atom *atom,
			      const char **ret_why)
{
	if (*text == '\\')
		return parse_escape(text + 1, atom, ret_why);
	if (*text == '[')
		return parse_class(text + 1, atom, ret_why);
	if (strchr(reserved, *text)) {
		*ret_why = "there are no groups, alternatives, anchors or wildcards; a sign that "
			   "is meant literally has a backslash before it, as in \\.";
		return NULL;
	}
	if (!is_plain(*text) || strchr("?+{", *text)) {
		*ret_why =
			"a repetition stands behind a sign, \\d, \\a or a [class]; all signs are "
			"plain ASCII";
		return NULL;
	}
	add_range(atom, (uint8_t)*text, (uint8_t)*text);
	return text + 1;
}

int policy_shape_parse(const char *text, struct policy_shape *ret_shape, const char **ret_why)
{
	struct policy_shape shape = {};
	size_t n_bytes = 0;

	while (*text) {
		struct policy_shape_atom *atom = &shape.atoms[shape.n_atoms];

		if (shape.n_atoms == POLICY_SHAPE_MAX_ATOMS) {
			*ret_why = "a pattern has 32 parts at most; \\d{8} is one";
			return -EINVAL;
		}
		text = parse_atom(text, atom, ret_why);
		if (text)
			text = parse_repetition(text, atom, ret_why);
		if (!text)
			return -EINVAL;
		n_bytes += atom->most ? atom->most : atom->least;
		shape.n_atoms++;
	}
	if (n_bytes > POLICY_SHAPE_MAX_BYTES) {
		*ret_why = "a pattern fits texts of 128 bytes at most";
		return -EINVAL;
	}
	if (shape.n_atoms == 0) {
		*ret_why = "a pattern is not empty, as in P20\\d{8}";
		return -EINVAL;
	}
	*ret_shape = shape;
	return 0;
}

size_t policy_shape_least_bytes(const struct policy_shape *shape)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < shape->n_atoms; i++)
		n_bytes += shape->atoms[i].least;
	return n_bytes;
}
