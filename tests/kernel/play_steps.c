/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/play.h"

#define PROCESSES_MAX 12
#define FDS_WANTED (PLAY_FDS - 8)
#define N_FILES (PLAY_SOURCES + PLAY_FILES)

/* ---- files ---- */

/* Sources are opened less often: an act in which everybody has every label shows nothing. */
static int pick_file(struct play *play)
{
	if (play_random(play, play->source_rarity) == 0)
		return (int)play_random(play, PLAY_SOURCES);
	return PLAY_SOURCES + (int)play_random(play, play->n_files);
}

static long open_flags(struct play *play)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
	long flags = modes[play_random(play, 4)] | O_NONBLOCK;

	if (play_random(play, 2))
		flags |= O_CREAT;
	if (play_random(play, 8) == 0)
		flags |= O_TRUNC;
	if (play_random(play, 8) == 0)
		flags |= O_APPEND;
	if (play_random(play, 8) == 0)
		flags |= O_CLOEXEC;
	return flags;
}

void play_step_open(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	struct puppet *puppet = &play->stage->puppets[index];
	int known_fd = play_random(play, 8) ? -1 : play_pick_fd(play, process, PLAY_ANY);
	bool is_new = false;
	long fd;

	if (known_fd >= 0) {
		snprintf(puppet->paths[0], PUPPET_PATH_BYTES, "/proc/self/fd/%d", known_fd);
	} else {
		play_name_file(play, pick_file(play), puppet->paths[0]);
		is_new = access(puppet->paths[0], F_OK) < 0;
	}
	fd = PLAY_CALL(play, index, SYS_openat, AT_FDCWD, (long)puppet->paths[0], open_flags(play),
		       0644);
	if (fd < 0)
		return;
	play_look_at_fd(play, process, (int)fd, is_new);
	play_note_opened(play, process, (int)fd);
	play_note(play, "a%d opens %s: %ld, o%d%s", process->app, puppet->paths[0], fd,
		  process->fds[fd].object, is_new ? ", new" : "");
}

void play_step_path(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	struct puppet *puppet = &play->stage->puppets[index];
	int fd = play_pick_fd(play, process, PLAY_WRITE);
	long from = (long)puppet->paths[0], to = (long)puppet->paths[1];
	long length = (long)play_random(play, 16384);
	const char *name = "rename";

	play_name_file(play, pick_file(play), puppet->paths[0]);
	play_name_file(play, pick_file(play), puppet->paths[1]);
	switch (play_random(play, 6)) {
	case 0:
		PLAY_CALL(play, index, SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
		break;
	case 1:
		name = "exchange";
		PLAY_CALL(play, index, SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
			  RENAME_EXCHANGE);
		break;
	case 2:
		name = "link";
		if (play->features & PLAY_UNNAMED)
			PLAY_CALL(play, index, SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
		break;
	case 3:
		name = "truncate";
		PLAY_CALL(play, index, SYS_truncate, from, length);
		break;
	case 4:
		if (fd >= 0)
			PLAY_CALL(play, index, SYS_ftruncate, fd, length);
		break;
	default:
		name = "unlink";
		PLAY_CALL(play, index, SYS_unlinkat, AT_FDCWD, from, 0);
	}
	play_note(play, "a%d %s %s %s: %ld", process->app, name, puppet->paths[0], puppet->paths[1],
		  puppet->result);
}

/* ---- descriptors ---- */

static void note_pair(struct play *play, struct play_process *process, const int fds[2],
		      const char *what)
{
	int one, other;

	play_look_at_fd(play, process, fds[0], true);
	play_look_at_fd(play, process, fds[1], false);
	one = process->fds[fds[0]].object;
	other = process->fds[fds[1]].object;
	if (one != other) {
		play->model.objects[one].peer = other;
		play->model.objects[other].peer = one;
	}
	play_note(play, "a%d makes a %s: o%d, o%d", process->app, what, one, other);
}

void play_step_make(struct play *play, uint32_t index)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	struct play_process *process = play_process_of(play, index);
	struct puppet *puppet = &play->stage->puppets[index];
	int type = types[play_random(play, 3)] | SOCK_NONBLOCK;
	long fds = (long)puppet->fds, path = (long)puppet->paths[0], fd;

	static const uint64_t needed[] = {PLAY_UNNAMED, PLAY_UNNAMED, PLAY_PIPES,
					  PLAY_PIPES,   PLAY_SOCKETS, PLAY_SOCKETS};
	uint64_t roll = play_random(play, 6);

	if (!(play->features & needed[roll]))
		return;
	switch (roll) {
	case 0:
		strcpy(puppet->paths[0], "memory");
		fd = PLAY_CALL(play, index, SYS_memfd_create, path, 0);
		break;
	case 1:
		snprintf(puppet->paths[0], PUPPET_PATH_BYTES, "%s", play->folder);
		fd = PLAY_CALL(play, index, SYS_openat, AT_FDCWD, path, O_TMPFILE | O_RDWR, 0600);
		break;
	case 2:
	case 3:
		if (PLAY_CALL(play, index, SYS_pipe2, fds, O_NONBLOCK) == 0)
			note_pair(play, process, puppet->fds, "pipe");
		return;
	default:
		if (PLAY_CALL(play, index, SYS_socketpair, AF_UNIX, type, 0, fds) == 0)
			note_pair(play, process, puppet->fds, "socket pair");
		return;
	}
	if (fd < 0)
		return;
	play_look_at_fd(play, process, (int)fd, true);
	play_note(play, "a%d makes a file without a name: o%d", process->app,
		  process->fds[fd].object);
}

void play_step_descriptor(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	int fd = play_pick_fd(play, process, PLAY_ANY);
	int other = play_pick_fd(play, process, PLAY_ANY);
	long result;

	if (fd < 0)
		return;
	switch (play_random(play, 8)) {
	case 0:
		result = PLAY_CALL(play, index, SYS_dup, fd);
		break;
	case 1:
		result = PLAY_CALL(play, index, SYS_dup3, fd, other, 0);
		break;
	case 2:
		result = PLAY_CALL(play, index, SYS_dup3, fd, other, O_CLOEXEC);
		break;
	case 3:
		result = PLAY_CALL(play, index, SYS_fcntl, fd, F_DUPFD, 3);
		break;
	case 4:
	case 5:
		PLAY_CALL(play, index, SYS_lseek, fd, (long)play_random(play, 16384), SEEK_SET);
		return;
	default:
		PLAY_CALL(play, index, SYS_close, fd);
		play_note(play, "a%d closes %d of o%d", process->app, fd, process->fds[fd].object);
		play_forget_fd(play, process, fd);
		return;
	}
	if (result < 0)
		return;
	play_look_at_fd(play, process, (int)result, false);
	play_note(play, "a%d makes %d also %ld, o%d", process->app, fd, result,
		  process->fds[fd].object);
}

/* ---- processes ---- */

static int count_processes(const struct play *play)
{
	int n = 0;

	for (int i = 0; i < PUPPETS_MAX; i++)
		n += play->processes[i].is_live;
	return n;
}

static void do_exec(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	int executable = (int)play_random(play, PLAY_EXECUTABLES), old = process->app;
	char path[PUPPET_PATH_BYTES];

	play_name_executable(play, executable, path);
	puppet_exec(play->stage, index, path);
	for (uint32_t i = 0; i < PUPPETS_MAX; i++)
		if (i != index && play->process_of[i] == play->process_of[index])
			play->process_of[i] = -1;
	play_look_at_all_fds(play, process);
	if (executable != play->model.apps[old].executable) {
		play->model.apps[old].processes--;
		play_enter_app(play, index, executable);
	}
	play_note(play, "a%d executes %d: a%d", old, executable, process->app);
}

static void do_fork(struct play *play, uint32_t index, uint32_t new_puppet)
{
	int app = play_process_of(play, index)->app;

	puppet_fork(play->stage, index, new_puppet);
	play_add_process(play, new_puppet)->app = app;
	play->model.apps[app].processes++;
	play_note(play, "a%d forks", app);
	if (play_random(play, 2))
		do_exec(play, new_puppet);
}

static bool has_threads(const struct play *play, uint32_t index)
{
	int n = 0;

	for (int i = 0; i < PUPPETS_MAX; i++)
		n += play->process_of[i] == play->process_of[index];
	return n > 1;
}

void play_step_process(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	int new_puppet = play_free_puppet(play);

	switch (play_random(play, 5)) {
	case 0:
		if (new_puppet >= 0 && count_processes(play) < PROCESSES_MAX)
			do_fork(play, index, (uint32_t)new_puppet);
		break;
	case 1:
		do_exec(play, index);
		break;
	case 2:
		if (!(play->features & PLAY_THREADS) || new_puppet < 0 || has_threads(play, index))
			break;
		puppet_thread(play->stage, index, (uint32_t)new_puppet);
		play->process_of[new_puppet] = play->process_of[index];
		play_note(play, "a%d gets a thread", process->app);
		break;
	case 3:
		if (!has_threads(play, index))
			break;
		play_note(play, "a%d loses a thread", process->app);
		puppet_end_thread(play->stage, index);
		play->process_of[index] = -1;
		break;
	default:
		if (count_processes(play) <= 3)
			break;
		play_note(play, "a%d loses a process", process->app);
		play_end_process(play, process);
	}
}

/* ---- the sensor ---- */

/* A walk finds what lies below an export folder and is open, whenever it came there. */
static void note_walk(struct play *play)
{
	for (int i = 0; i < PUPPETS_MAX; i++)
		for (int fd = 0; play->processes[i].is_live && fd < PLAY_FDS; fd++)
			if (play->processes[i].fds[fd].is_open)
				play_note_opened(play, &play->processes[i], fd);
}

void play_step_sensor(struct play *play, uint32_t index)
{
	struct sensor *sensor = kernel_fixture_sensor(play->fixture);

	(void)index;
	switch (play_random(play, 8)) {
	case 0:
		play_note(play, "the agent is killed and comes back");
		kernel_fixture_kill_sensor(play->fixture);
		kernel_fixture_restart_sensor(play->fixture);
		play_note_exports(play);
		note_walk(play);
		break;
	case 1:
	case 2:
		play_note(play, "the agent forgets what ended");
		sensor_sweep(sensor);
		sensor_forget_ended(sensor);
		break;
	default:
		play_note(play, "the agent walks");
		sensor_walk(sensor);
		note_walk(play);
	}
}

/* ---- all together ---- */

static const struct {
	void (*step)(struct play *play, uint32_t puppet);
	uint64_t weight;
} steps[PLAY_STEPS] = {
	{play_step_read, 22},  {play_step_write, 22},     {play_step_copy, 12},
	{play_step_open, 10},  {play_step_make, 5},       {play_step_path, 5},
	{play_step_socket, 8}, {play_step_descriptor, 8}, {play_step_process, 7},
	{play_step_sensor, 1},
};

void play_choose_weights(struct play *play)
{
	static const uint64_t factors[] = {0, 1, 2, 4};

	for (int i = 0; i < PLAY_STEPS; i++)
		play->weights[i] = steps[i].weight * factors[play_random(play, 4)];
	if (!play->weights[0])
		play->weights[0] = 1; /* all together are never nothing */
}

static uint32_t pick_puppet(struct play *play)
{
	uint32_t found = 0;
	uint64_t n = 0;

	for (uint32_t i = 0; i < PUPPETS_MAX; i++)
		if (play->process_of[i] >= 0 && play_random(play, ++n) == 0)
			found = i;
	return found;
}

static void make_room(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);

	for (int fd = FDS_WANTED; fd < PLAY_FDS; fd++) {
		if (!process->fds[fd].is_open)
			continue;
		PLAY_CALL(play, index, SYS_close, fd);
		play_forget_fd(play, process, fd);
	}
}

void play_step(struct play *play)
{
	uint32_t puppet = pick_puppet(play);
	uint64_t total = 0, roll, i = 0;

	play->step++;
	make_room(play, puppet);
	for (int j = 0; j < PLAY_STEPS; j++)
		total += play->weights[j];
	roll = play_random(play, total);
	while (roll >= play->weights[i])
		roll -= play->weights[i++];
	steps[i].step(play, puppet);
}
