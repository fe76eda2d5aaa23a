/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/play.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FIRST_FD 3 /* below it is /dev/null */
#define PUPPETS_AT_FIRST 4
#define LAUNCHER (PUPPETS_MAX - 1)

static const char *const classes[PLAY_SOURCES] = {"red", "green", "blue"};

static void die(const char *what)
{
	fprintf(stderr, "play: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* xorshift64*, Vigna 2016: the same program for the same seed everywhere. */
uint64_t play_random(struct play *play, uint64_t below)
{
	play->random ^= play->random >> 12;
	play->random ^= play->random << 25;
	play->random ^= play->random >> 27;
	return (play->random * 0x2545f4914f6cdd1dull >> 33) % below;
}

void play_note(struct play *play, const char *format, ...)
{
	char *line = play->lines[play->n_lines % PLAY_LINES_MAX];
	int n = snprintf(line, PLAY_LINE_BYTES, "%6llu ", (unsigned long long)play->step);
	va_list values;

	va_start(values, format);
	vsnprintf(line + n, PLAY_LINE_BYTES - (size_t)n, format, values);
	va_end(values);
	play->n_lines++;
}

struct play_process *play_process_of(struct play *play, uint32_t puppet)
{
	return &play->processes[play->process_of[puppet]];
}

int play_free_puppet(const struct play *play)
{
	for (int i = 0; i < LAUNCHER; i++)
		if (play->process_of[i] < 0)
			return i;
	return -1;
}

/* The first are sources, the others are not. */
void play_name_file(const struct play *play, int index, char path[PUPPET_PATH_BYTES])
{
	if (index < PLAY_SOURCES)
		snprintf(path, PUPPET_PATH_BYTES, "%s/%s/export.csv", play->folder, classes[index]);
	else
		snprintf(path, PUPPET_PATH_BYTES, "%s/file%d", play->folder, index);
}

void play_name_executable(const struct play *play, int index, char path[PUPPET_PATH_BYTES])
{
	snprintf(path, PUPPET_PATH_BYTES, "%s/app%d", play->folder, index);
}

long play_call(struct play *play, uint32_t puppet, long number, const long arguments[6])
{
	return puppet_call(play->stage, puppet, number, arguments);
}

/* ---- descriptors ---- */

/* By a thread that lives: the first one of a process may have ended before it. */
static void name_fd(const struct play *play, const struct play_process *process, const char *folder,
		    int fd, char path[64])
{
	int index = (int)(process - play->processes);

	for (int i = 0; i < PUPPETS_MAX; i++)
		if (play->process_of[i] == index)
			snprintf(path, 64, "/proc/%d/task/%d/%s/%d", process->pid,
				 play->stage->puppets[i].tid, folder, fd);
}

void play_forget_fd(struct play *play, struct play_process *process, int fd)
{
	struct play_fd *known = &process->fds[fd];

	if (known->is_open && known->object != MODEL_NOTHING)
		play->model.objects[known->object].holders--;
	*known = (struct play_fd){.object = MODEL_NOTHING};
}

static bool is_kind(mode_t mode, enum model_kind *ret_kind)
{
	*ret_kind = S_ISREG(mode) ? MODEL_FILE : S_ISFIFO(mode) ? MODEL_PIPE : MODEL_UNIX;
	return S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
}

static void read_generation(const char *path, struct model_object *object)
{
	int fd = object->kind == MODEL_FILE ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int generation = 0;

	object->has_generation = fd >= 0 && ioctl(fd, FS_IOC_GETVERSION, &generation) == 0;
	object->generation = (uint32_t)generation;
	if (fd >= 0)
		close(fd);
}

static int find_object(struct play *play, const char *path, const struct stat *info, bool is_new)
{
	struct model_object object = {.ino = info->st_ino, .peer = MODEL_NOTHING};
	int found;

	object.dev = (uint32_t)(major(info->st_dev) << 20 | minor(info->st_dev));
	found = model_find_object(&play->model, object.dev, object.ino);
	if (!is_kind(info->st_mode, &object.kind) || (found >= 0 && !is_new))
		return found;
	read_generation(path, &object);
	return model_add_object(&play->model, &object);
}

/* Whoever opens a file below an export folder finds a source, by whatever name it came there. */
static void label_by_folder(struct play *play, const char *path, int object)
{
	char folder[96];

	for (int i = 0; object != MODEL_NOTHING && i < PLAY_SOURCES; i++) {
		snprintf(folder, sizeof(folder), "%s/%s/", play->folder, classes[i]);
		if (strncmp(path, folder, strlen(folder)) == 0)
			model_label_source(&play->model, object, 1u << i);
	}
}

void play_note_exports(struct play *play)
{
	char path[PUPPET_PATH_BYTES];
	struct stat info;

	for (int i = 0; i < PLAY_SOURCES; i++) {
		play_name_file(play, i, path);
		if (lstat(path, &info) == 0)
			label_by_folder(play, path, find_object(play, path, &info, false));
	}
}

void play_note_opened(struct play *play, struct play_process *process, int fd)
{
	char link[64], target[256];
	ssize_t n;

	name_fd(play, process, "fd", fd, link);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		die(link);
	target[n] = '\0';
	label_by_folder(play, target, process->fds[fd].object);
}

void play_look_at_fd(struct play *play, struct play_process *process, int fd, bool is_new)
{
	struct play_fd *known = &process->fds[fd];
	char path[64], text[128] = "";
	struct stat info;
	int info_fd;
	unsigned int flags;

	play_forget_fd(play, process, fd);
	name_fd(play, process, "fd", fd, path);
	if (stat(path, &info) < 0)
		return;
	known->is_open = true;
	known->object = find_object(play, path, &info, is_new);
	if (known->object != MODEL_NOTHING)
		play->model.objects[known->object].holders++;
	name_fd(play, process, "fdinfo", fd, path);
	info_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (info_fd < 0 || read(info_fd, text, sizeof(text) - 1) <= 0)
		die(path);
	close(info_fd);
	flags = (unsigned int)strtoul(strstr(text, "flags:") + 6, NULL, 8);
	known->can_read = (flags & O_ACCMODE) != O_WRONLY;
	known->can_write = (flags & O_ACCMODE) != O_RDONLY;
}

void play_look_at_all_fds(struct play *play, struct play_process *process)
{
	for (int fd = 0; fd < PLAY_FDS; fd++)
		play_look_at_fd(play, process, fd, false);
}

/* ---- acts ---- */

void play_enter_app(struct play *play, uint32_t puppet, int executable)
{
	struct play_process *process = play_process_of(play, puppet);
	uint64_t id = tables_app_of(play->tables, process->pid);

	if (!id) {
		errno = ESRCH;
		die("the sensor does not know a process");
	}
	process->app = model_add_app(&play->model, id, executable, false);
	play->model.apps[process->app].processes = 1;
}

struct play_process *play_add_process(struct play *play, uint32_t puppet)
{
	struct play_process *process = play->processes;

	while (process->is_live)
		process++;
	*process = (struct play_process){.is_live = true, .pid = play->stage->puppets[puppet].pid};
	play->process_of[puppet] = (int)(process - play->processes);
	play_look_at_all_fds(play, process);
	return process;
}

static void start_puppet(struct play *play, uint32_t puppet, int executable)
{
	struct play_process *process;
	char path[PUPPET_PATH_BYTES];

	play_name_executable(play, executable, path);
	puppet_fork(play->stage, LAUNCHER, puppet);
	puppet_exec(play->stage, puppet, path);
	process = play_add_process(play, puppet);
	play_enter_app(play, puppet, executable);
	play_note(play, "a%d starts, executable %d", process->app, executable);
}

static void make_file(struct play *play, int index)
{
	static const char text[20000] = "a customer";
	char path[PUPPET_PATH_BYTES];
	struct stat info;
	int fd;

	play_name_file(play, index, path);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, sizeof(text)) < 0 || fstat(fd, &info) < 0)
		die(path);
	close(fd);
	label_by_folder(play, path, find_object(play, path, &info, true));
}

void play_begin_act(struct play *play)
{
	uint32_t puppets;

	play->n_lines = 0;
	play->features = play_random(play, PLAY_FEATURES_END);
	for (int i = 0; i < PLAY_SOURCES + PLAY_FILES; i++)
		make_file(play, i);
	play->n_files = 1 + play_random(play, PLAY_FILES);
	play->source_rarity = 2 + play_random(play, 15);
	play_choose_weights(play);
	puppets = 1 + (uint32_t)play_random(play, PUPPETS_AT_FIRST);
	for (uint32_t i = 0; i < puppets; i++)
		start_puppet(play, i, (int)i % PLAY_EXECUTABLES);
}

void play_forget_process(struct play *play, struct play_process *process)
{
	for (int fd = 0; fd < PLAY_FDS; fd++)
		play_forget_fd(play, process, fd);
	play->model.apps[process->app].processes--;
	process->is_live = false;
}

void play_end_process(struct play *play, struct play_process *process)
{
	int index = (int)(process - play->processes);
	bool is_told = false;

	for (uint32_t i = 0; i < PUPPETS_MAX; i++) {
		if (play->process_of[i] != index)
			continue;
		if (!is_told)
			puppet_end(play->stage, i);
		is_told = true;
		play->process_of[i] = -1;
	}
	play_forget_process(play, process);
}

void play_end_act(struct play *play)
{
	struct sensor *sensor = kernel_fixture_sensor(play->fixture);
	char path[PUPPET_PATH_BYTES];

	for (int i = 0; i < PUPPETS_MAX; i++)
		if (play->processes[i].is_live)
			play_end_process(play, &play->processes[i]);
	for (int i = 0; i < PLAY_SOURCES + PLAY_FILES; i++) {
		play_name_file(play, i, path);
		unlink(path);
	}
	/* Nothing of this act shall keep the gate open for the next one. */
	sensor_sweep(sensor);
	sensor_forget_ended(sensor);
	sensor_walk(sensor);
}

/* ---- the whole ---- */

/* Whoever executes a program hands on that it may hold labelled objects. This test does, so that
 * the apps are children of a process that never held any. */
static void start_launcher(struct play *play)
{
	char path[PUPPET_PATH_BYTES];

	play_name_executable(play, PLAY_EXECUTABLES, path);
	puppet_start(play->stage, LAUNCHER, path);
}

static void change_policy(struct play *play)
{
	char text[1024] = "", path[96];
	size_t used = 0;

	for (int i = 0; i < PLAY_SOURCES; i++) {
		snprintf(path, sizeof(path), "%s/%s", play->folder, classes[i]);
		if (mkdir(path, 0755) < 0)
			die(path);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[class \"%s\"]\ngrade = C3\ncategory = other\n"
					 "[export \"%s\"]\nfolder = %s\nclass = %s\n",
					 classes[i], classes[i], path, classes[i]);
	}
	kernel_fixture_remove_sensor(play->fixture);
	kernel_fixture_change_policy(play->fixture, text, "customer");
	kernel_fixture_restart_sensor(play->fixture);
}

static void copy_executable(const struct play *play, int index)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to;
	char path[PUPPET_PATH_BYTES];
	struct stat info;

	play_name_executable(play, index, path);
	to = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	if (from < 0 || to < 0 || fstat(from, &info) < 0 ||
	    sendfile(to, from, NULL, (size_t)info.st_size) != info.st_size)
		die(path);
	close(from);
	close(to);
}

void play_open(struct play *play, struct kernel_fixture *fixture, uint64_t seed)
{
	char pin_dir[96];

	*play = (struct play){.fixture = fixture, .random = seed * 2 + 1};
	snprintf(play->folder, sizeof(play->folder), "%s", kernel_fixture_folder(fixture));
	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/%s", strrchr(play->folder, '/') + 1);
	change_policy(play);
	play->tables = tables_open(pin_dir);
	for (int i = 0; i < PLAY_SOURCES; i++)
		play->kernel_labels[i] = tables_label(play->tables, classes[i]);
	for (int i = 0; i < PLAY_SOURCES; i++)
		play->policy_labels[i] = kernel_fixture_label(fixture, classes[i]);
	for (int i = 0; i <= PLAY_EXECUTABLES; i++)
		copy_executable(play, i);
	play->lines = calloc(PLAY_LINES_MAX, PLAY_LINE_BYTES);
	play->stage = puppet_stage_open();
	for (int i = 0; i < PUPPETS_MAX; i++)
		play->process_of[i] = -1;
	start_launcher(play);
}

void play_close(struct play *play)
{
	puppet_end(play->stage, LAUNCHER);
	puppet_stage_close(play->stage);
	tables_close(play->tables);
	model_free(&play->model);
	free(play->lines);
}
