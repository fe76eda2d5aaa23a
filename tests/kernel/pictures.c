/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct kernel_totals pictures_count(const struct scene *scene, bool is_out)
{
	struct kernel_totals totals = {};
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++) {
		if (flows[i].object.kind != SENSOR_OBJECT_SCREEN || flows[i].is_out != is_out)
			continue;
		assert_true(flows[i].is_estimated);
		totals.bytes += flows[i].bytes;
		totals.calls += flows[i].calls;
		totals.flows++;
	}
	return totals;
}

void pictures_check_taken(const struct scene *scene, uint64_t calls, uint64_t bytes)
{
	for (int is_out = 0; is_out < 2; is_out++) {
		struct kernel_totals totals = pictures_count(scene, is_out);

		assert_int_equal(totals.calls, calls);
		assert_int_equal(totals.bytes, bytes);
	}
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"),
			 calls ? SCENE_TRACE_BYTES : 0);
}
