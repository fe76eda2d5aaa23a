/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_FLOW_LIST_H
#define WEIR_TESTS_KERNEL_FLOW_LIST_H

/* The latest totals of each flow that a sensor reported; a race of a minute makes 250,000. */

#include <stddef.h>

#include "agent/sensor/sensor.h"

#define FLOW_LIST_MAX (1u << 18)

struct flow_list {
	struct sensor_flow *flows; /* paths are not kept */
	size_t n_flows;
	void *tree; /* of pointers into flows */
};

/* Each returns 0, -ENOMEM, or -ENOSPC where there is no room for one more. */
int flow_list_start(struct flow_list *list);
int flow_list_put(struct flow_list *list, const struct sensor_flow *flow);
void flow_list_end(struct flow_list *list);

#endif
