/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/flow_list.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

#define COMPARE(x, y)   \
	if ((x) != (y)) \
	return (x) < (y) ? -1 : 1

static int compare(const void *a, const void *b)
{
	const struct sensor_flow *x = a, *y = b;

	COMPARE(x->app_id, y->app_id);
	COMPARE(x->object.ino, y->object.ino);
	COMPARE(x->object.dev, y->object.dev);
	COMPARE(x->is_out, y->is_out);
	COMPARE(x->destination, y->destination);
	COMPARE(x->first_ns, y->first_ns);
	return 0;
}

int flow_list_start(struct flow_list *list)
{
	/* Of which only what is used takes memory. */
	*list = (struct flow_list){.flows = calloc(FLOW_LIST_MAX, sizeof(*list->flows))};
	return list->flows ? 0 : -ENOMEM;
}

int flow_list_put(struct flow_list *list, const struct sensor_flow *flow)
{
	struct sensor_flow **known = tfind(flow, &list->tree, compare);

	if (known) {
		**known = *flow;
		return 0;
	}
	if (list->n_flows == FLOW_LIST_MAX)
		return -ENOSPC;
	list->flows[list->n_flows] = *flow;
	if (!tsearch(&list->flows[list->n_flows], &list->tree, compare))
		return -ENOMEM;
	list->n_flows++;
	return 0;
}

static void leave(void *flow)
{
	(void)flow; /* they are of one piece */
}

void flow_list_end(struct flow_list *list)
{
	tdestroy(list->tree, leave);
	free(list->flows);
}
