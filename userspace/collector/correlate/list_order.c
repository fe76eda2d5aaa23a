/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/list_order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct place {
	uint64_t fingerprint;
	size_t at;
	bool is_found;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->fingerprint != y->fingerprint)
		return x->fingerprint < y->fingerprint ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Sorted by fingerprint, each once with its first place. Returns how many. */
static size_t set_places(const uint64_t *list, size_t n_list, struct place *places)
{
	size_t n = 0;

	for (size_t i = 0; i < n_list; i++)
		places[i] = (struct place){.fingerprint = list[i], .at = i};
	qsort(places, n_list, sizeof(*places), compare_places);
	for (size_t i = 0; i < n_list; i++)
		if (n == 0 || places[n - 1].fingerprint != places[i].fingerprint)
			places[n++] = places[i];
	return n;
}

static struct place *find_place(struct place *places, size_t n, uint64_t fingerprint)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places[middle].fingerprint < fingerprint)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && places[low].fingerprint == fingerprint ? &places[low] : NULL;
}

/* tails[i] is the lowest place that an ascending run of i + 1 can end at (patience sorting). */
static size_t extend_runs(size_t *tails, size_t n_tails, size_t place)
{
	size_t low = 0, high = n_tails;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tails[middle] < place)
			low = middle + 1;
		else
			high = middle;
	}
	tails[low] = place;
	return low == n_tails ? n_tails + 1 : n_tails;
}

int list_order_compare(const uint64_t *list, size_t n_list, const uint64_t *answer, size_t n_answer,
		       struct list_order *ret_order)
{
	_cleanup_free_ struct place *places = calloc(n_list + 1, sizeof(*places));
	_cleanup_free_ size_t *tails = calloc(n_list + 1, sizeof(*tails));
	struct list_order order = {};
	size_t n_places;

	if (!places || !tails)
		return -ENOMEM;
	n_places = set_places(list, n_list, places);
	for (size_t i = 0; i < n_answer; i++) {
		struct place *place = find_place(places, n_places, answer[i]);

		if (!place || place->is_found)
			continue;
		place->is_found = true;
		order.n_both++;
		order.n_in_order = extend_runs(tails, order.n_in_order, place->at);
	}
	*ret_order = order;
	return 0;
}
