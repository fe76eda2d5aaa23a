/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * While a bpf() call works on a table, the kernel runs no perf-attached program on that processor
 * (bpf_disable_instrumentation(), include/linux/bpf.h; trace_call_bpf(), kernel/trace/bpf_trace.c).
 * If the agent is preempted just there, the calls of whoever runs instead are not counted: 1535 of
 * 108055 in a flood on 6.12 with preempt=full. So no ordinary task preempts it there.
 */

#include <sched.h>

#include "agent/sensor/sensor_private.h"

/* Above what desktops give to sound, below the kernel's threads that must not wait. */
#define PRIORITY 50

static bool is_real_time(int policy)
{
	policy &= ~SCHED_RESET_ON_FORK;
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

struct sensor_shield sensor_shield_raise(const struct sensor *sensor)
{
	return sensor->is_shielded ? sensor_shield_raise_for_any() : (struct sensor_shield){};
}

struct sensor_shield sensor_shield_raise_for_any(void)
{
	const struct sched_param high = {.sched_priority = PRIORITY};
	struct sensor_shield shield = {.policy = sched_getscheduler(0)};
	struct sched_param own;

	if (shield.policy < 0 || is_real_time(shield.policy) || sched_getparam(0, &own) < 0)
		return shield;
	/* Where it is not allowed, programs_missed tells what that costs. */
	shield.is_raised = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &high) == 0;
	shield.priority = own.sched_priority;
	return shield;
}

void sensor_shield_lower(const struct sensor_shield *shield)
{
	const struct sched_param own = {.sched_priority = shield->priority};

	if (shield->is_raised)
		(void)sched_setscheduler(0, shield->policy, &own);
}
