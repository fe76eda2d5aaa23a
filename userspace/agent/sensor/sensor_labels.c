/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Label bits of the policy follow its order of sections; those in the kernel's tables outlive
 * the agent that set them. So the kernel's bits belong to names, kept in the pinned table
 * label_names, and masks are translated where they go into a table or come out of one.
 */

#include <errno.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"
#include "policy/policy.h"
#include "bpf/weir.skel.h"

static bool is_same(const struct weir_label *a, const struct weir_label *b)
{
	return a->kind == b->kind && strncmp(a->name, b->name, sizeof(a->name)) == 0;
}

/* The kernel's bit of a name, a free one when it has none. A name that left the policy keeps its
 * bit: tables may hold it, and it may come back. */
static int find_bit(int fd, const struct weir_label *wanted)
{
	int32_t free_bit = -ENOSPC;

	for (int32_t bit = 0; bit < WEIR_LABELS; bit++) {
		struct weir_label label;

		if (bpf_map_lookup_elem(fd, &bit, &label) < 0)
			return -errno;
		if (is_same(&label, wanted))
			return bit;
		if (label.kind == WEIR_LABEL_FREE && free_bit < 0)
			free_bit = bit;
	}
	if (free_bit >= 0 && bpf_map_update_elem(fd, &free_bit, wanted, BPF_ANY) < 0)
		return -errno;
	return free_bit;
}

static int assign(int fd, uint64_t policy_label, enum weir_label_kind kind, const char *name,
		  struct sensor_labels *labels)
{
	struct weir_label wanted = {.kind = kind};
	int bit;

	strncpy(wanted.name, name, sizeof(wanted.name) - 1);
	bit = find_bit(fd, &wanted);
	if (bit < 0)
		return bit;
	labels->kernel[__builtin_ctzll(policy_label)] = UINT64_C(1) << bit;
	return 0;
}

int sensor_labels_assign(struct sensor *sensor, const struct policy *policy)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.label_names), r = 0;
	const struct policy_class *classes;
	const struct policy_zone *zones;
	size_t n_classes = policy_classes(policy, &classes), n_zones = policy_zones(policy, &zones);
	struct sensor_labels labels = {};

	for (size_t i = 0; r == 0 && i < n_classes; i++)
		r = assign(fd, UINT64_C(1) << classes[i].index, WEIR_LABEL_CLASS, classes[i].name,
			   &labels);
	for (size_t i = 0; r == 0 && i < n_zones; i++)
		if (zones[i].role == EVENT_ROLE_SINK && zones[i].labels)
			r = assign(fd, zones[i].labels, WEIR_LABEL_ORIGIN, zones[i].name, &labels);
	if (r == 0)
		sensor->labels = labels;
	return r;
}

uint64_t sensor_labels_to_kernel(const struct sensor *sensor, uint64_t labels)
{
	uint64_t mask = 0;

	for (; labels; labels &= labels - 1)
		mask |= sensor->labels.kernel[__builtin_ctzll(labels)];
	return mask;
}

uint64_t sensor_labels_of_kernel(const struct sensor *sensor, uint64_t mask)
{
	uint64_t labels = 0;

	for (int i = 0; i < WEIR_LABELS; i++)
		if (sensor->labels.kernel[i] & mask)
			labels |= UINT64_C(1) << i;
	return labels;
}
