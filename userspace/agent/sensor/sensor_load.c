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
#define TRACEFS "/sys/kernel/tracing"

static int fail(char **ret_reason, int error, const char *format, ...)
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
		return fail(ret_reason, -errno, "cannot mount bpffs at " BPFFS ": %s",
			    strerror(errno));
	r = file_make_dirs(sensor->pin_dir, 0700);
	if (r < 0)
		return fail(ret_reason, r, "cannot make the pin folder %s: %s", sensor->pin_dir,
			    strerror(-r));
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

static char *pin_path(const struct sensor *sensor, const char *prefix, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s%s", sensor->pin_dir, prefix, name) < 0 ? NULL : path;
}

/* Which programs these are: a change of code, of table size or of mode is another build. */
static uint64_t build_of(const struct sensor_config *config, bool use_perf)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	uint8_t digest[HASH_SHA256_SIZE] = {};
	uint64_t build;
	size_t size;
	const void *elf = weir_bpf__elf_bytes(&size);

	bytes = malloc(size + 4 * sizeof(uint32_t));
	if (bytes) {
		uint32_t settings[4] = {config->ring_bytes, config->flows_max, config->objects_max,
					use_perf};

		memcpy(bytes, elf, size);
		memcpy(bytes + size, settings, sizeof(settings));
		hash_sha256(bytes, size + sizeof(settings), digest);
	}
	memcpy(&build, digest, sizeof(build));
	return build;
}

static bool read_pinned_state(const struct sensor *sensor, struct weir_state *ret_state)
{
	_cleanup_free_ char *path = pin_path(sensor, "", "state");
	_cleanup_close_ int fd = path ? bpf_obj_get(path) : -1;
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info), zero = 0;
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ||
	    info.value_size != sizeof(*ret_state))
		return false;
	return bpf_map_lookup_elem(fd, &zero, ret_state) == 0 &&
	       ret_state->abi_version == WEIR_ABI_VERSION && ret_state->bytes == sizeof(*ret_state);
}

static bool is_walk(const struct bpf_program *program)
{
	return strncmp(bpf_program__name(program), "walk_", 5) == 0;
}

static bool is_of_mode(const struct bpf_program *program, bool use_perf)
{
	const char *name = bpf_program__name(program);

	if (strcmp(name, "enter_btf") == 0 || strcmp(name, "exit_btf") == 0)
		return !use_perf;
	if (strcmp(name, "enter_perf") == 0 || strcmp(name, "exit_perf") == 0)
		return use_perf;
	return true;
}

static bool has_pinned_links(struct sensor *sensor, bool use_perf)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		_cleanup_free_ char *path = NULL;

		if (is_walk(program) || !is_of_mode(program, use_perf))
			continue;
		path = pin_path(sensor, "link_", bpf_program__name(program));
		if (!path || access(path, F_OK) != 0)
			return false;
	}
	return true;
}

static int set_pin_paths(struct sensor *sensor)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, sensor->skeleton->obj)
	{
		_cleanup_free_ char *path = NULL;

		if (bpf_map__is_internal(map))
			continue;
		path = pin_path(sensor, "", bpf_map__name(map));
		if (!path)
			return -ENOMEM;
		if (bpf_map__set_pin_path(map, path) < 0)
			return -errno;
	}
	return 0;
}

static void choose_programs(struct sensor *sensor, bool use_perf, bool is_resumed)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, sensor->skeleton->obj) bpf_program__set_autoload(
		program, is_walk(program) || (!is_resumed && is_of_mode(program, use_perf)));
}

static int attach_all(struct sensor *sensor, bool use_perf, char **ret_reason)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		_cleanup_free_ char *path = NULL;
		struct bpf_link *link;
		int r;

		if (is_walk(program) || !is_of_mode(program, use_perf))
			continue;
		path = pin_path(sensor, "link_", bpf_program__name(program));
		link = bpf_program__attach(program);
		if (!path || !link)
			return fail(ret_reason, path ? -errno : -ENOMEM, "cannot attach %s: %s",
				    bpf_program__name(program), strerror(errno));
		unlink(path);
		r = bpf_link__pin(link, path);
		if (r == 0) {
			/* The pin keeps it. libbpf does not close what is disconnected, and the
			 * descriptor would keep the program attached when the pin is gone. */
			close(bpf_link__fd(link));
			bpf_link__disconnect(link);
		}
		bpf_link__destroy(link);
		if (r < 0)
			return fail(ret_reason, r, "cannot pin %s: %s", path, strerror(-r));
	}
	return 0;
}

static int map_state(struct sensor *sensor, const struct sensor_config *config, uint64_t build)
{
	void *mapped = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(sensor->skeleton->maps.state), 0);

	if (mapped == MAP_FAILED)
		return -errno;
	sensor->state = mapped;
	sensor->state->abi_version = WEIR_ABI_VERSION;
	sensor->state->bytes = sizeof(struct weir_state);
	sensor->state->build = build;
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
	struct bpf_map *maps[] = {sensor->skeleton->maps.objects, sensor->skeleton->maps.basenames};
	bool is_preallocated = is_kernel_before(6, 1);

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		if (is_preallocated)
			bpf_map__set_map_flags(maps[i], 0);
		if (wanted_max || is_preallocated)
			bpf_map__set_max_entries(maps[i], wanted_max ?: OBJECTS_PREALLOCATED_MAX);
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

	libbpf_set_print(no_print);
	if (access(btf, R_OK) < 0)
		return fail(ret_reason, -ENOENT,
			    "no kernel type information at %s (%s): Weir needs a kernel built with "
			    "CONFIG_DEBUG_INFO_BTF=y, as Debian's are since 11",
			    btf, strerror(errno));
	/* libbpf would only say that relocating failed. */
	if (config->btf_path && !is_btf(btf))
		return fail(ret_reason, -EINVAL, "%s holds no kernel type information (BTF)", btf);
	sensor->skeleton = weir_bpf__open_opts(&options);
	if (!sensor->skeleton)
		return fail(ret_reason, -errno, "cannot read the BPF object: %s", strerror(errno));
	sensor_fill_syscalls((struct weir_syscall *)sensor->skeleton->rodata->syscalls);
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

	if (sensor->start.is_resumed)
		shield = sensor_shield_raise(sensor);
	return weir_bpf__load(sensor->skeleton);
}

int sensor_load(struct sensor *sensor, const struct sensor_config *config, char **ret_reason)
{
	bool use_perf = is_perf_wanted(config);
	struct weir_state old = {};
	uint64_t build;
	bool is_kept;
	int r = prepare_pin_dir(sensor, ret_reason);

	if (r == 0)
		r = open_skeleton(sensor, config, ret_reason);
	if (r < 0)
		return r;
	build = build_of(config, use_perf);
	sensor->is_shielded = use_perf;
	is_kept = read_pinned_state(sensor, &old);
	sensor->start.lsm_bpf = sensor_lsm_describe(LSM_LIST);
	sensor->start.attach_mode = use_perf ? "perf" : "tp_btf";
	sensor->start.agent_seen_ns = is_kept ? old.agent_seen_ns : 0;
	sensor->start.is_resumed =
		is_kept && old.build == build && has_pinned_links(sensor, use_perf);
	if (!sensor->start.is_resumed)
		sensor_unpin(sensor->pin_dir);
	if (use_perf && !is_mounted(TRACEFS, TRACEFS_MAGIC))
		(void)mount("tracefs", TRACEFS, "tracefs", 0, NULL); /* attaching says it if not */
	if (file_make_dirs(sensor->pin_dir, 0700) < 0 || set_pin_paths(sensor) < 0)
		return fail(ret_reason, -ENOMEM, "cannot pin below %s", sensor->pin_dir);
	choose_programs(sensor, use_perf, sensor->start.is_resumed);
	r = load_programs(sensor);
	if (r < 0)
		return fail(ret_reason, r, "the kernel refuses the sensor's programs: %s%s",
			    strerror(-r),
			    r == -EPERM ? " (root, or CAP_BPF and CAP_PERFMON, is needed)" : "");
	r = map_state(sensor, config, build);
	if (r < 0)
		return fail(ret_reason, r, "cannot map the sensor's state: %s", strerror(-r));
	return 0;
}

int sensor_attach(struct sensor *sensor, char **ret_reason)
{
	bool use_perf = strcmp(sensor->start.attach_mode, "perf") == 0;

	return sensor->start.is_resumed ? 0 : attach_all(sensor, use_perf, ret_reason);
}
