/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/reboot.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/labels/file_system.h"
#include "policy/policy.h"

#define MAX_FILES 1000

static void on_news(void *userdata, enum keeper_news news, uint64_t n, const char *detail)
{
	struct reboot *reboot = userdata;

	reboot->losses += news == KEEPER_LOSS;
	reboot->lost += news == KEEPER_LOSS ? n : 0;
	reboot->gaps += news == KEEPER_GAP;
	snprintf(reboot->detail, sizeof(reboot->detail), "%s", detail);
}

static void load_policy(struct reboot *reboot)
{
	struct policy_problems problems = {};
	char path[160];

	snprintf(path, sizeof(path), "%s/policy.conf", kernel_fixture_folder(reboot->fixture));
	policy_free(reboot->policy);
	reboot->policy = NULL;
	assert_int_equal(policy_load(path, &reboot->policy, &problems), 0);
	policy_problems_done(&problems);
}

void reboot_start_keeper(struct reboot *reboot)
{
	struct keeper_config config = {.path = reboot->record,
				       .sensor = kernel_fixture_sensor(reboot->fixture),
				       .max_files = reboot->max_files,
				       .tell = on_news,
				       .userdata = reboot};

	load_policy(reboot);
	config.policy = reboot->policy;
	assert_int_equal(keeper_new(&config, &reboot->keeper), 0);
}

void reboot_stop_keeper(struct reboot *reboot)
{
	assert_int_equal(keeper_write(reboot->keeper), 0);
	keeper_free(reboot->keeper);
	reboot->keeper = NULL;
}

struct keeper_counts reboot_counts(const struct reboot *reboot)
{
	struct keeper_counts counts;

	keeper_count(reboot->keeper, &counts);
	return counts;
}

void reboot_go_down(struct reboot *reboot)
{
	reboot_stop_keeper(reboot);
	kernel_fixture_remove_sensor(reboot->fixture);
}

void reboot_come_up(struct reboot *reboot)
{
	kernel_fixture_restart_sensor(reboot->fixture);
	assert_int_equal(kernel_fixture_start_info(reboot->fixture).takeover, SENSOR_FRESH);
}

uint64_t reboot_ino(const struct reboot *reboot, const char *name)
{
	struct stat info;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", reboot->disk, name);
	assert_int_equal(stat(path, &info), 0);
	return info.st_ino;
}

/* What arrives of DISK/name, in the sensor's eyes, when somebody copies it. */
static int find_file(void *userdata, const struct sensor_file *file)
{
	struct sensor_file *wanted = userdata;

	if (file->object.ino == wanted->object.ino)
		*wanted = *file;
	return 0;
}

struct sensor_file reboot_look_up(const struct reboot *reboot, const char *name)
{
	struct sensor_file file = {.object.ino = reboot_ino(reboot, name)};

	assert_int_equal(
		sensor_visit_files(kernel_fixture_sensor(reboot->fixture), find_file, &file), 0);
	return file;
}

uint64_t reboot_leak(struct reboot *reboot, const char *name)
{
	char script[256], to[16];

	snprintf(to, sizeof(to), "leak-%u", ++reboot->n_leaks);
	snprintf(script, sizeof(script), "cat $DISK/%s > $DIR/%s", name, to);
	kernel_fixture_shell(reboot->fixture, script);
	return kernel_fixture_written(reboot->fixture, to);
}

bool reboot_leaked_class(const struct reboot *reboot, const char *class)
{
	char name[16];

	snprintf(name, sizeof(name), "leak-%u", reboot->n_leaks);
	return kernel_fixture_is_of_class(reboot->fixture, name, class);
}

const char *reboot_stage(void)
{
	return getenv("WEIR_BOOT") ?: "";
}

static bool is_lasting(const char *path)
{
	struct file_system_id id;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_so = fd >= 0 && file_system_identify(fd, &id) == 0;

	if (fd >= 0)
		close(fd);
	return is_so;
}

void reboot_need_disk(void)
{
	const char *disk = getenv("WEIR_DISK") ?: "/var/tmp";

	if (is_lasting(disk))
		return;
	print_message("# skip: %s is on no ext2, ext3, ext4, xfs or btrfs\n", disk);
	skip();
}

static int set(void **state, const struct kernel_options *options)
{
	struct reboot *reboot = calloc(1, sizeof(*reboot));
	const char *disk = getenv("WEIR_DISK");

	*state = reboot;
	reboot->max_files = MAX_FILES;
	snprintf(reboot->disk, sizeof(reboot->disk), "%s/%s", disk ?: "/var/tmp",
		 reboot_stage()[0] ? "weir-reboot" : "weir-reboot-XXXXXX");
	if (reboot_stage()[0] ? mkdir(reboot->disk, 0755) < 0 && errno != EEXIST
			      : !mkdtemp(reboot->disk))
		return -1;
	snprintf(reboot->record, sizeof(reboot->record), "%s/labels", reboot->disk);
	setenv("DISK", reboot->disk, 1);
	reboot->fixture = kernel_fixture_start(options);
	return 0;
}

int reboot_set(void **state)
{
	return set(state, NULL);
}

int reboot_set_small(void **state)
{
	const struct kernel_options options = {.objects_max = REBOOT_OBJECTS_MAX};

	return set(state, &options);
}

static int remove_entry(const char *path, const struct stat *info, int flag, struct FTW *ftw)
{
	(void)info;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int reboot_clean_up(void **state)
{
	struct reboot *reboot = *state;
	char path[128];

	keeper_free(reboot->keeper);
	policy_free(reboot->policy);
	kernel_fixture_stop(reboot->fixture);
	umount(strcat(strcpy(path, reboot->disk), "/stick"));
	umount(strcat(strcpy(path, reboot->disk), "/other"));
	if (!reboot_stage()[0])
		nftw(reboot->disk, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(reboot);
	return 0;
}
