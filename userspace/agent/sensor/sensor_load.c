/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <linux/magic.h>

#include <bpf/btf.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "bpf/weir.skel.h"

#define DEFAULT_BTF "/sys/kernel/btf/vmlinux"
#define BPFFS "/sys/fs/bpf"
#define LSM_LIST "/sys/kernel/security/lsm"
#define OBJECTS_PREALLOCATED_MAX 131072
#define INODES_SHARE 16 /* see bpf/inode.bpf.h */
#define TRACEFS "/sys/kernel/tracing"

int sensor_fail(char **ret_reason, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (ret_reason && vasprintf(ret_reason, format, arguments) < 0)
		*ret_reason = NULL;
	va_end(arguments);
	return error;
}

static int no_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static bool is_mounted(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

static int prepare_pin_dir(struct sensor *sensor, char **ret_reason)
{
	int r;

	if (strncmp(sensor->pin_dir, BPFFS "/", strlen(BPFFS "/")) == 0 &&
	    !is_mounted(BPFFS, BPF_FS_MAGIC) && mount("bpf", BPFFS, "bpf", 0, "mode=0700") < 0)
		return sensor_fail(ret_reason, -errno, "cannot mount bpffs at " BPFFS ": %s",
				   strerror(errno));
	r = file_make_dirs(sensor->pin_dir, 0700);
	if (r < 0)
		return sensor_fail(ret_reason, r, "cannot make the pin folder %s: %s",
				   sensor->pin_dir, strerror(-r));
	return 0;
}

static bool is_kernel_before(int major, int minor)
{
	int own_major, own_minor;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &own_major, &own_minor) != 2)
		return false;
	return own_major < major || (own_major == major && own_minor < minor);
}

/* From 7.0 on tp_btf loses calls under preemption, see the design's table. */
static bool is_perf_wanted(const struct sensor_config *config)
{
	return config->use_perf || !is_kernel_before(7, 0);
}

/* Which programs these are. */
static uint64_t read_build(void)
{
	uint8_t digest[HASH_SHA256_SIZE];
	uint64_t build;
	size_t size;
	const void *elf = weir_bpf__elf_bytes(&size);

	hash_sha256(elf, size, digest);
	memcpy(&build, digest, sizeof(build));
	return build;
}

static int map_state(struct sensor *sensor, const struct sensor_config *config)
{
	void *mapped = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(sensor->skeleton->maps.state), 0);

	if (mapped == MAP_FAILED)
		return -errno;
	sensor->state = mapped;
	sensor->state->abi_version = WEIR_ABI_VERSION;
	sensor->state->bytes = sizeof(struct weir_state);
	sensor->state->basename_seed = WEIR_BASENAME_SEED;
	sensor->state->max_hops = config->max_hops;
	sensor->state->arguments_min_bytes = config->arguments_min_bytes;
	return 0;
}

/*
 * Tables that may become large take their memory entry by entry where programs can do that safely
 * from any context (bpf_mem_alloc, 6.1). Before, all of it is taken at once, so there is less.
 */
static void size_objects(struct sensor *sensor, uint32_t wanted_max)
{
	struct {
		struct bpf_map *map;
		uint32_t share; /* it has one place for so many objects */
	} tables[] = {
		{sensor->skeleton->maps.objects, 1},
		{sensor->skeleton->maps.basenames, 1},
		{sensor->skeleton->maps.inodes, INODES_SHARE},
	};
	bool is_preallocated = is_kernel_before(6, 1);

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (is_preallocated)
			bpf_map__set_map_flags(tables[i].map, 0);
		if (wanted_max || is_preallocated)
			bpf_map__set_max_entries(tables[i].map,
						 (wanted_max ?: OBJECTS_PREALLOCATED_MAX) /
							 tables[i].share);
	}
}

static bool is_btf(const char *path)
{
	struct btf *btf = btf__parse(path, NULL);

	btf__free(btf);
	return btf;
}

static int open_skeleton(struct sensor *sensor, const struct sensor_config *config,
			 char **ret_reason)
{
	const char *btf = config->btf_path ?: DEFAULT_BTF;
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = config->btf_path);
	int r;

	libbpf_set_print(no_print);
	if (access(btf, R_OK) < 0)
		return sensor_fail(
			ret_reason, -ENOENT,
			"no kernel type information at %s (%s): Weir needs a kernel built with "
			"CONFIG_DEBUG_INFO_BTF=y, as Debian's are since 11",
			btf, strerror(errno));
	/* libbpf would only say that relocating failed. */
	if (config->btf_path && !is_btf(btf))
		return sensor_fail(ret_reason, -EINVAL, "%s holds no kernel type information (BTF)",
				   btf);
	sensor->skeleton = weir_bpf__open_opts(&options);
	if (!sensor->skeleton)
		return sensor_fail(ret_reason, -errno, "cannot read the BPF object: %s",
				   strerror(errno));
	r = sensor_uring_prepare(sensor, btf);
	if (r < 0)
		return sensor_fail(ret_reason, r, "cannot read %s: %s", btf, strerror(-r));
	sensor_fill_syscalls((struct weir_rule *)sensor->skeleton->rodata->rules,
			     sensor->start.follows_uring);
	if (config->ring_bytes)
		bpf_map__set_max_entries(sensor->skeleton->maps.ring, config->ring_bytes);
	if (config->flows_max)
		bpf_map__set_max_entries(sensor->skeleton->maps.flows, config->flows_max);
	size_objects(sensor, config->objects_max);
	return 0;
}

/* Loading writes into tables, too. Before anything is attached that hides nobody. */
static int load_programs(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = {};

	if (sensor_pins_share(sensor) < 0)
		return -ENOMEM;
	sensor_pins_choose(sensor);
	if (sensor->start.is_resumed)
		shield = sensor_shield_raise(sensor);
	return weir_bpf__load(sensor->skeleton);
}

/* A verifier that does not take the optional programs must not keep the others away. */
static int load_what_is_taken(struct sensor *sensor, const struct sensor_config *config,
			      char **ret_reason)
{
	int r = load_programs(sensor);

	if (r < 0 && sensor->has_lsm) {
		sensor_lsm_refuse(sensor, r);
		weir_bpf__destroy(sensor->skeleton);
		sensor->skeleton = NULL;
		r = open_skeleton(sensor, config, ret_reason);
		if (r < 0)
			return r;
		r = load_programs(sensor);
	}
	if (r < 0)
		return sensor_fail(ret_reason, r, "the kernel refuses the sensor's programs: %s%s",
				   strerror(-r),
				   r == -EPERM ? " (root, or CAP_BPF and CAP_PERFMON, is needed)"
					       : "");
	return 0;
}

int sensor_load(struct sensor *sensor, const struct sensor_config *config, char **ret_reason)
{
	int r = prepare_pin_dir(sensor, ret_reason);

	if (r == 0)
		r = open_skeleton(sensor, config, ret_reason);
	if (r < 0)
		return r;
	sensor->build = read_build();
	sensor->is_shielded = is_perf_wanted(config);
	sensor_lsm_examine(sensor, LSM_LIST);
	sensor->start.attach_mode = sensor->is_shielded ? "perf" : "tp_btf";
	sensor_pins_examine(sensor);
	if (sensor->start.takeover == SENSOR_MIGRATED)
		r = sensor_unhook(sensor->pin_dir);
	else if (!sensor->start.is_resumed)
		sensor_unpin(sensor->pin_dir);
	if (r < 0)
		return sensor_fail(ret_reason, r, "cannot detach the sensor of then: %s",
				   strerror(-r));
	if (sensor->is_shielded && !is_mounted(TRACEFS, TRACEFS_MAGIC))
		(void)mount("tracefs", TRACEFS, "tracefs", 0, NULL); /* attaching says it if not */
	if (file_make_dirs(sensor->pin_dir, 0700) < 0)
		return sensor_fail(ret_reason, -ENOMEM, "cannot pin below %s", sensor->pin_dir);
	r = load_what_is_taken(sensor, config, ret_reason);
	if (r < 0)
		return r;
	r = map_state(sensor, config);
	if (r < 0)
		return sensor_fail(ret_reason, r, "cannot map the sensor's state: %s",
				   strerror(-r));
	if (sensor->start.takeover == SENSOR_MIGRATED)
		r = sensor_migrate(sensor);
	if (r < 0)
		return sensor_fail(ret_reason, r, "cannot copy the tables of another version: %s",
				   strerror(-r));
	r = sensor_lru_begin(sensor);
	if (r < 0)
		return sensor_fail(ret_reason, r, "cannot count what the sensor's tables hold: %s",
				   strerror(-r));
	return 0;
}
