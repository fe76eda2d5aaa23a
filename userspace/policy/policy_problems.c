/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_problems.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "policy/policy_model.h"

/* A value from a hostile file must not reach a terminal as control characters. */
static void make_printable(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (iscntrl(*c))
			*c = '?';
}

int policy_problems_add(struct policy_problems *problems, const char *file, unsigned int line,
			const char *format, ...)
{
	struct policy_problem *problem, filled = {.line = line};
	va_list arguments;
	int n;

	if (problems->n_items > POLICY_MAX_PROBLEMS)
		return 0;
	if (problems->n_items == POLICY_MAX_PROBLEMS) {
		n = asprintf(&filled.message, "more than %d problems; the rest is not listed",
			     POLICY_MAX_PROBLEMS);
	} else {
		va_start(arguments, format);
		n = vasprintf(&filled.message, format, arguments);
		va_end(arguments);
	}
	if (n < 0)
		return -ENOMEM;
	make_printable(filled.message);
	filled.file = strdup(file);
	problem = filled.file
			  ? policy_model_add(&problems->items, &problems->n_items, sizeof(*problem))
			  : NULL;
	if (!problem) {
		free(filled.file);
		free(filled.message);
		return -ENOMEM;
	}
	*problem = filled;
	return 0;
}

/* Files keep the order in which they were read: main file first, then drop-ins. */
void policy_problems_sort(struct policy_problems *problems)
{
	for (size_t i = 1; i < problems->n_items && i < POLICY_MAX_PROBLEMS; i++) {
		struct policy_problem moved = problems->items[i];
		size_t j = i;

		for (; j > 0 && !strcmp(problems->items[j - 1].file, moved.file) &&
		       problems->items[j - 1].line > moved.line;
		     j--)
			problems->items[j] = problems->items[j - 1];
		problems->items[j] = moved;
	}
}

void policy_problems_done(struct policy_problems *problems)
{
	for (size_t i = 0; i < problems->n_items; i++) {
		free(problems->items[i].file);
		free(problems->items[i].message);
	}
	free(problems->items);
	*problems = (struct policy_problems){};
}

void policy_problems_print(const struct policy_problems *problems, FILE *stream)
{
	for (size_t i = 0; i < problems->n_items; i++) {
		const struct policy_problem *problem = &problems->items[i];

		if (problem->line)
			fprintf(stream, "%s:%u: %s\n", problem->file, problem->line,
				problem->message);
		else
			fprintf(stream, "%s: %s\n", problem->file, problem->message);
	}
}

/* Edit distance with swapped neighbours as one step; both are at most POLICY_MAX_NAME_BYTES. */
static unsigned int measure_distance(const char *a, const char *b)
{
	unsigned int rows[3][POLICY_MAX_NAME_BYTES + 1];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2];
	size_t n_a = strlen(a), n_b = strlen(b);

	for (size_t j = 0; j <= n_b; j++)
		above[j] = (unsigned int)j;
	for (size_t i = 1; i <= n_a; i++) {
		unsigned int *oldest = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= n_b; j++) {
			unsigned int best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[n_b];
}

const char *policy_problems_nearest(const char *wrong, const char *const *names, size_t n_names)
{
	unsigned int best_distance = 0;
	const char *best = NULL;

	if (strlen(wrong) > POLICY_MAX_NAME_BYTES)
		return NULL;
	for (size_t i = 0; i < n_names; i++) {
		unsigned int distance;

		if (strlen(names[i]) > POLICY_MAX_NAME_BYTES)
			continue;
		distance = measure_distance(wrong, names[i]);
		/* Half of the letters wrong is another word. */
		if (distance * 2 > strlen(names[i]))
			continue;
		if (!best || distance < best_distance) {
			best = names[i];
			best_distance = distance;
		}
	}
	return best;
}
