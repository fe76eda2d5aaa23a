/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_PLAY_H
#define WEIR_TESTS_KERNEL_PLAY_H

/*
 * A random program of real system calls by several apps on a handful of objects. Each
 * step is made by a puppet and told to the model; the kernel says which descriptor
 * stands for what (/proc/PID/fd), the model which labels and bytes follow from that.
 * A program is cut into acts: each begins with apps and files that nobody has touched,
 * because labels only grow.
 */

#include <stdbool.h>
#include <stdint.h>

#include "kernel/kernel_fixture.h"
#include "kernel/model.h"
#include "kernel/puppet.h"
#include "kernel/tables.h"

#define PLAY_FDS 48
#define PLAY_SOURCES 3
#define PLAY_FILES 6
#define PLAY_EXECUTABLES 4
#define PLAY_STEPS 10
#define PLAY_LINE_BYTES 160
#define PLAY_LINES_MAX 4096

enum play_use {
	PLAY_ANY,
	PLAY_READ,
	PLAY_WRITE,
	PLAY_SOCKET,
};

struct play_fd {
	bool is_open, can_read, can_write;
	int object;
};

struct play_process {
	bool is_live;
	pid_t pid;
	int app;
	struct play_fd fds[PLAY_FDS];
};

/* What an act may have beside plain files and processes. Each act has its own choice, and its own
 * weights of the steps, because what is common in one program hides what is rare: one labelled
 * pipe makes the sensor look at everybody's calls. */
enum play_feature {
	PLAY_PIPES = 1,
	PLAY_SOCKETS = 2,
	PLAY_UNNAMED = 4, /* files without a name, or with several */
	PLAY_THREADS = 8,
	PLAY_FEATURES_END = 16,
};

struct play {
	struct kernel_fixture *fixture;
	struct tables *tables;
	struct puppet_stage *stage;
	struct model model;
	uint64_t random;
	uint64_t step;
	uint64_t features, n_files, source_rarity;
	uint64_t weights[PLAY_STEPS];
	struct play_process processes[PUPPETS_MAX];
	int process_of[PUPPETS_MAX]; /* of a puppet; -1: the puppet is free */
	char folder[64];
	/* Of the model's bits: in the tables, and in what the sensor reports. */
	uint64_t kernel_labels[PLAY_SOURCES], policy_labels[PLAY_SOURCES];
	char (*lines)[PLAY_LINE_BYTES]; /* what was done in this act */
	int n_lines;
	/* How much of a label the checked apps had: nothing, some, all. Says whether the run
	 * could have shown anything. */
	uint64_t seen_clean, seen_part, seen_full;
};

/* Stops the test on failure, saying why. */
void play_open(struct play *play, struct kernel_fixture *fixture, uint64_t seed);
void play_close(struct play *play);

void play_begin_act(struct play *play);
void play_end_act(struct play *play);
void play_step(struct play *play);
/* Compares the model with the sensor; false, with the story on stderr, when they differ. */
bool play_check(struct play *play);

/* ---- between the parts of the play ---- */

uint64_t play_random(struct play *play, uint64_t below);
void play_note(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct play_process *play_process_of(struct play *play, uint32_t puppet);
int play_free_puppet(const struct play *play);
/* Looks again at what a descriptor stands for; is_new: it was made just now. */
void play_look_at_fd(struct play *play, struct play_process *process, int fd, bool is_new);
void play_look_at_all_fds(struct play *play, struct play_process *process);
/* What was opened lies in a folder. */
void play_note_opened(struct play *play, struct play_process *process, int fd);
/* What lies in export folders when the sensor starts is a source, opened or not. */
void play_note_exports(struct play *play);
void play_forget_fd(struct play *play, struct play_process *process, int fd);
void play_name_file(const struct play *play, int index, char path[PUPPET_PATH_BYTES]);
void play_name_executable(const struct play *play, int index, char path[PUPPET_PATH_BYTES]);
/* The process of a puppet that was not there before. */
struct play_process *play_add_process(struct play *play, uint32_t puppet);
void play_forget_process(struct play *play, struct play_process *process);
void play_end_process(struct play *play, struct play_process *process);
/* Adds the app that the process of a puppet is in, as the sensor names it. */
void play_enter_app(struct play *play, uint32_t puppet, int executable);
long play_call(struct play *play, uint32_t puppet, long number, const long arguments[6]);

#define PLAY_CALL(play, puppet, number, ...) \
	play_call(play, puppet, number, (const long[6]){__VA_ARGS__})

/* A descriptor that stands for an object, by chance; -1: there is none for this use. */
int play_pick_fd(struct play *play, const struct play_process *process, enum play_use use);

void play_choose_weights(struct play *play);

/* Steps: each does nothing when the puppet lacks what it takes. */
void play_step_read(struct play *play, uint32_t puppet);
void play_step_write(struct play *play, uint32_t puppet);
void play_step_copy(struct play *play, uint32_t puppet);
void play_step_socket(struct play *play, uint32_t puppet);
void play_step_open(struct play *play, uint32_t puppet);
void play_step_make(struct play *play, uint32_t puppet);
void play_step_path(struct play *play, uint32_t puppet);
void play_step_descriptor(struct play *play, uint32_t puppet);
void play_step_process(struct play *play, uint32_t puppet);
void play_step_sensor(struct play *play, uint32_t puppet);

#endif
