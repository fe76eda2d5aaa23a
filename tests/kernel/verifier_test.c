/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * How far each program is from what the kernel's verifier allows: a program that is near a limit
 * here is refused by the next kernel, whose verifier counts otherwise.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"
#include "bpf/weir.skel.h"

#define PROGRAMS_MAX 128
#define LOG_BYTES (64 * 1024)
#define LOG_STATISTICS 4 /* BPF_LOG_STATS of include/linux/bpf_verifier.h */
/* BPF_COMPLEXITY_LIMIT_INSNS and MAX_BPF_STACK; half of the first is kept free. */
#define INSTRUCTIONS_LIMIT 1000000
#define INSTRUCTIONS_MAX (INSTRUCTIONS_LIMIT / 2)
#define STACK_LIMIT 512

struct judged {
	struct weir_bpf *skeleton;
	char *logs[PROGRAMS_MAX];
};

static void fail_with_reasons(const struct judged *judged, int error)
{
	struct bpf_program *program;
	size_t i = 0;

	bpf_object__for_each_program(program, judged->skeleton->obj)
	{
		const char *log = judged->logs[i++];

		if (log[0])
			print_message("%s: %s\n", bpf_program__name(program), log);
	}
	fail_msg("the programs are refused: %s", strerror(-error));
}

static void load_with_statistics(struct judged *judged, bool use_perf)
{
	char pin_dir[] = "/sys/fs/bpf/weir-kernel-nobody-is-here";
	int lsm = sensor_lsm_probe();
	struct sensor sensor = {.pin_dir = pin_dir, .is_shielded = use_perf, .has_lsm = lsm == 0};
	struct bpf_program *program;
	struct bpf_map *map;
	size_t i = 0;
	int r;

	if (lsm < 0)
		print_message("# skip programs for lsm: this kernel refuses them: %s\n",
			      strerror(-lsm));
	judged->skeleton = sensor.skeleton = weir_bpf__open();
	assert_non_null(judged->skeleton);
	assert_int_equal(sensor_uring_prepare(&sensor, "/sys/kernel/btf/vmlinux"), 0);
	sensor_fill_syscalls((struct weir_rule *)judged->skeleton->rodata->rules,
			     sensor.start.follows_uring);
	bpf_object__for_each_map(map, judged->skeleton->obj)
	{
		/* Small, so that no kernel wants much memory for them; slots have one entry. */
		if (bpf_map__type(map) == BPF_MAP_TYPE_HASH && bpf_map__max_entries(map) > 64) {
			bpf_map__set_max_entries(map, 64);
			bpf_map__set_map_flags(map, 0);
		}
	}
	sensor_pins_choose(&sensor);
	bpf_object__for_each_program(program, judged->skeleton->obj)
	{
		assert_true(i < PROGRAMS_MAX);
		judged->logs[i] = calloc(1, LOG_BYTES);
		assert_non_null(judged->logs[i]);
		bpf_program__set_log_buf(program, judged->logs[i++], LOG_BYTES);
		bpf_program__set_log_level(program, LOG_STATISTICS);
	}
	r = weir_bpf__load(judged->skeleton);
	if (r < 0)
		fail_with_reasons(judged, r);
}

static unsigned int read_number(const char *log, const char *label)
{
	const char *found = strstr(log, label);

	return found ? (unsigned int)strtoul(found + strlen(label), NULL, 10) : 0;
}

/* "stack depth 320+16+0": of the program and of each function that is not inlined. */
static unsigned int read_stack(const char *log)
{
	const char *depths = strstr(log, "stack depth ");
	unsigned int total = 0;
	char *end;

	if (!depths)
		return 0;
	depths += strlen("stack depth ");
	for (;; depths = end + 1) {
		unsigned long depth = strtoul(depths, &end, 10);

		total = depth > total ? (unsigned int)depth : total;
		if (*end != '+')
			return total;
	}
}

static void judge_mode(bool use_perf)
{
	struct judged judged = {};
	struct bpf_program *program;
	size_t i = 0, n_judged = 0;

	load_with_statistics(&judged, use_perf);
	bpf_object__for_each_program(program, judged.skeleton->obj)
	{
		const char *log = judged.logs[i++], *name = bpf_program__name(program);
		unsigned int instructions = read_number(log, "processed "), stack = read_stack(log);

		if (!bpf_program__autoload(program))
			continue;
		n_judged++;
		/* What only jumps into its slot is always the same. */
		if (strncmp(name, "hook_", strlen("hook_")) != 0)
			printf("# verifier: %s (%s) %u of %u instructions, %u of %u bytes of "
			       "stack\n",
			       name, use_perf ? "perf" : "tp_btf", instructions, INSTRUCTIONS_LIMIT,
			       stack, STACK_LIMIT);
		assert_true(instructions > 0);
		assert_true(instructions <= INSTRUCTIONS_MAX);
		assert_true(stack <= STACK_LIMIT);
	}
	assert_true(n_judged >= 10);
	while (i > 0)
		free(judged.logs[--i]);
	weir_bpf__destroy(judged.skeleton);
}

static void typed_programs_leave_half_of_the_verifiers_patience(void **state)
{
	(void)state;
	judge_mode(false);
}

static void perf_programs_leave_half_of_the_verifiers_patience(void **state)
{
	(void)state;
	judge_mode(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_programs_leave_half_of_the_verifiers_patience),
		cmocka_unit_test(perf_programs_leave_half_of_the_verifiers_patience),
	};

	return cmocka_run_group_tests_name("verifier", tests, NULL, NULL);
}
