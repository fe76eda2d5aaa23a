/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/play.h"

#define OFFSET_MAX 16384
#define UNSURE (-2) /* in place of an object: whether its socket still lives cannot be known */

struct method {
	long number;
	const char *name;
};

/* ---- what lies at the other end ---- */

static int target_of(const struct play *play, const struct play_process *process, int fd)
{
	int object = process->fds[fd].object, peer;

	if (object == MODEL_NOTHING || play->model.objects[object].kind != MODEL_UNIX)
		return object;
	peer = play->model.objects[object].peer;
	if (peer == MODEL_NOTHING || play->model.objects[peer].holders > 0)
		return peer;
	return play->model.objects[peer].in_flight > 0 ? UNSURE : MODEL_NOTHING;
}

static bool is_socket(const struct play *play, const struct play_process *process, int fd)
{
	int object = process->fds[fd].object;

	return object != MODEL_NOTHING && play->model.objects[object].kind == MODEL_UNIX;
}

int play_pick_fd(struct play *play, const struct play_process *process, enum play_use use)
{
	int found = -1;
	uint64_t n = 0;

	for (int fd = 0; fd < PLAY_FDS; fd++) {
		const struct play_fd *known = &process->fds[fd];

		if (!known->is_open || known->object == MODEL_NOTHING ||
		    (use == PLAY_READ && !known->can_read) ||
		    (use == PLAY_WRITE && !known->can_write) ||
		    (use == PLAY_SOCKET && !is_socket(play, process, fd)))
			continue;
		if (play_random(play, ++n) == 0)
			found = fd;
	}
	return found;
}

/* ---- arguments ---- */

static void split(struct puppet *puppet, uint64_t size)
{
	puppet->vectors[0] = (struct iovec){puppet->data, size / 2};
	puppet->vectors[1] = (struct iovec){puppet->data + size / 2, size - size / 2};
	puppet->message =
		(struct mmsghdr){.msg_hdr = {.msg_iov = puppet->vectors, .msg_iovlen = 2}};
}

static long offset_for(struct play *play)
{
	return (long)play_random(play, OFFSET_MAX);
}

static long bytes_of_message(const struct puppet *puppet, long result)
{
	return result > 0 ? (long)puppet->message.msg_len : result;
}

static long move(struct play *play, uint32_t index, const struct method *method, int fd, long size)
{
	struct puppet *puppet = &play->stage->puppets[index];
	long data = (long)puppet->data, vectors = (long)puppet->vectors;
	long message = (long)&puppet->message;

	split(puppet, (uint64_t)size);
	switch (method->number) {
	case SYS_pread64:
	case SYS_pwrite64:
		return PLAY_CALL(play, index, method->number, fd, data, size, offset_for(play));
	case SYS_readv:
	case SYS_writev:
		return PLAY_CALL(play, index, method->number, fd, vectors, 2);
	case SYS_preadv:
	case SYS_preadv2:
	case SYS_pwritev:
	case SYS_pwritev2:
		return PLAY_CALL(play, index, method->number, fd, vectors, 2, offset_for(play));
	case SYS_vmsplice:
		return PLAY_CALL(play, index, method->number, fd, vectors, 2, SPLICE_F_NONBLOCK);
	case SYS_recvmsg:
	case SYS_sendmsg:
		return PLAY_CALL(play, index, method->number, fd, message);
	case SYS_recvmmsg:
	case SYS_sendmmsg:
		return bytes_of_message(puppet,
					PLAY_CALL(play, index, method->number, fd, message, 1));
	default:
		return PLAY_CALL(play, index, method->number, fd, data, size);
	}
}

static const struct method reads[] = {
	{SYS_read, "read"},         {SYS_pread64, "pread"},   {SYS_readv, "readv"},
	{SYS_preadv, "preadv"},     {SYS_preadv2, "preadv2"}, {SYS_recvfrom, "recvfrom"},
	{SYS_recvmmsg, "recvmmsg"},
};

static const struct method writes[] = {
	{SYS_write, "write"},     {SYS_pwrite64, "pwrite"},   {SYS_writev, "writev"},
	{SYS_pwritev, "pwritev"}, {SYS_pwritev2, "pwritev2"}, {SYS_vmsplice, "vmsplice"},
	{SYS_sendto, "sendto"},   {SYS_sendmsg, "sendmsg"},   {SYS_sendmmsg, "sendmmsg"},
};

#define PICK(play, list) (&(list)[play_random((play), sizeof(list) / sizeof((list)[0]))])

/* ---- steps ---- */

void play_step_read(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	const struct method *method = PICK(play, reads);
	int fd = play_pick_fd(play, process, PLAY_READ);
	long result;

	if (fd < 0)
		return;
	result = move(play, index, method, fd, 1 + (long)play_random(play, 4096));
	model_end_in(&play->model, process->app, process->fds[fd].object, result);
	play_note(play, "a%d %s from o%d: %ld", process->app, method->name, process->fds[fd].object,
		  result);
}

void play_step_write(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	const struct method *method = PICK(play, writes);
	int fd = play_pick_fd(play, process, PLAY_WRITE), target;
	long result;

	if (fd < 0)
		return;
	target = target_of(play, process, fd);
	if (target == UNSURE)
		return;
	model_begin_out(&play->model, process->app, target);
	result = move(play, index, method, fd, 1 + (long)play_random(play, 4096));
	model_end_out(&play->model, process->app, target, result);
	play_note(play, "a%d %s to o%d: %ld", process->app, method->name, target, result);
}

/* sendfile() waits for room in a pipe, whatever the flags of the pipe are. */
static bool has_room(struct play *play, uint32_t index, int fd)
{
	struct puppet *puppet = &play->stage->puppets[index];
	struct pollfd *poll = (struct pollfd *)puppet->data;
	struct timespec *at_once = (struct timespec *)(poll + 1);

	*poll = (struct pollfd){.fd = fd, .events = POLLOUT};
	*at_once = (struct timespec){0};
	return PLAY_CALL(play, index, SYS_ppoll, (long)poll, 1, (long)at_once, 0, 0) == 1 &&
	       poll->revents == POLLOUT;
}

static long copy(struct play *play, uint32_t index, const struct method *method, int from, int to)
{
	struct puppet *puppet = &play->stage->puppets[index];
	long size = 1 + (long)play_random(play, 4096), flags = SPLICE_F_NONBLOCK;
	bool has_offset = play_random(play, 2);

	puppet->offsets[0] = offset_for(play);
	puppet->offsets[1] = offset_for(play);
	switch (method->number) {
	case SYS_sendfile:
		return PLAY_CALL(play, index, SYS_sendfile, to, from,
				 has_offset ? (long)puppet->offsets : 0, size);
	case SYS_tee:
		return PLAY_CALL(play, index, SYS_tee, from, to, size, flags);
	case SYS_splice:
		return PLAY_CALL(play, index, SYS_splice, from, 0, to, 0, size, flags);
	default:
		return PLAY_CALL(play, index, SYS_copy_file_range, from, (long)&puppet->offsets[0],
				 to, (long)&puppet->offsets[1], size);
	}
}

void play_step_copy(struct play *play, uint32_t index)
{
	static const struct method copies[] = {
		{SYS_sendfile, "sendfile"},
		{SYS_splice, "splice"},
		{SYS_tee, "tee"},
		{SYS_copy_file_range, "copy_file_range"},
	};
	struct play_process *process = play_process_of(play, index);
	const struct method *method = PICK(play, copies);
	int from = play_pick_fd(play, process, PLAY_READ), source, target;
	int to = play_pick_fd(play, process, PLAY_WRITE);
	long result;

	if (from < 0 || to < 0)
		return;
	source = process->fds[from].object;
	target = target_of(play, process, to);
	if (target == UNSURE || (method->number == SYS_sendfile && !has_room(play, index, to)))
		return;
	model_begin_copy(&play->model, process->app, source, target);
	result = copy(play, index, method, from, to);
	model_end_in(&play->model, process->app, source, result);
	model_end_out(&play->model, process->app, target, result);
	play_note(play, "a%d %s from o%d to o%d: %ld", process->app, method->name, source, target,
		  result);
}

static void send_descriptor(struct play *play, uint32_t index, int socket, int fd)
{
	struct play_process *process = play_process_of(play, index);
	struct puppet *puppet = &play->stage->puppets[index];
	int object = process->fds[fd].object, target = target_of(play, process, socket);
	struct cmsghdr *header = (struct cmsghdr *)puppet->control;
	long result;

	if (target == UNSURE)
		return;
	split(puppet, 1 + play_random(play, 64));
	puppet->message.msg_hdr.msg_control = header;
	puppet->message.msg_hdr.msg_controllen = CMSG_LEN(sizeof(fd));
	*header = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	model_begin_out(&play->model, process->app, target);
	result = PLAY_CALL(play, index, SYS_sendmsg, socket, (long)&puppet->message);
	model_end_out(&play->model, process->app, target, result);
	if (result > 0 && object != MODEL_NOTHING)
		play->model.objects[object].in_flight++;
	play_note(play, "a%d sends descriptor of o%d to o%d: %ld", process->app, object, target,
		  result);
}

static void take_descriptor(struct play *play, uint32_t index, int socket)
{
	struct play_process *process = play_process_of(play, index);
	struct puppet *puppet = &play->stage->puppets[index];
	int own = process->fds[socket].object, fd = -1, object = MODEL_NOTHING;
	struct cmsghdr *header = (struct cmsghdr *)puppet->control;
	long result;

	split(puppet, 1 + play_random(play, 4096));
	puppet->message.msg_hdr.msg_control = header;
	puppet->message.msg_hdr.msg_controllen = CMSG_SPACE(sizeof(fd));
	result = PLAY_CALL(play, index, SYS_recvmsg, socket, (long)&puppet->message);
	model_end_in(&play->model, process->app, own, result);
	if (result > 0 && puppet->message.msg_hdr.msg_controllen >= CMSG_LEN(sizeof(fd))) {
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
		play_look_at_fd(play, process, fd, false);
		object = process->fds[fd].object;
	}
	if (object != MODEL_NOTHING)
		play->model.objects[object].in_flight--;
	play_note(play, "a%d recvmsg from o%d: %ld, descriptor %d of o%d", process->app, own,
		  result, fd, object);
}

void play_step_socket(struct play *play, uint32_t index)
{
	struct play_process *process = play_process_of(play, index);
	int socket = play_pick_fd(play, process, PLAY_SOCKET);
	int fd = play_pick_fd(play, process, PLAY_ANY);

	if (socket < 0 || fd < 0)
		return;
	if (play_random(play, 2))
		send_descriptor(play, index, socket, fd);
	else
		take_descriptor(play, index, socket);
}
