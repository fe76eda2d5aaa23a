/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/wayland.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/letter.h"

#define WAYLAND_WORDS_MAX 32
#define COMPAT_RECVMSG 372 /* arch/x86/entry/syscalls/syscall_32.tbl */

/* struct compat_msghdr, compat_cmsghdr, compat_iovec */
struct compat_message {
	uint32_t name, name_bytes, vector, n_vectors, control, control_bytes, flags;
};

struct compat_part {
	uint32_t address, bytes;
};

void wayland_listen(struct wayland *wayland, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (wayland->listener >= 0)
		close(wayland->listener);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 scene_path(wayland->scene, name));
	wayland->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(wayland->listener >= 0);
	assert_int_equal(bind(wayland->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(wayland->listener, 4), 0);
}

void wayland_connect(struct wayland *wayland, uint32_t who)
{
	struct sockaddr_un address;
	socklen_t size = sizeof(address);
	const char *name;

	assert_int_equal(getsockname(wayland->listener, (struct sockaddr *)&address, &size), 0);
	name = strrchr(address.sun_path, '/') + 1;
	wayland->fds[who] = letter_connected(wayland->scene, who, SOCK_STREAM, name);
	wayland->ends[who] = accept(wayland->listener, NULL, NULL);
	assert_true(wayland->ends[who] >= 0);
}

int wayland_open(void **state)
{
	struct wayland *wayland = calloc(1, sizeof(*wayland));
	void *scene;

	assert_non_null(wayland);
	assert_int_equal(scene_set(&scene), 0);
	wayland->scene = scene;
	wayland->listener = -1;
	for (size_t i = 0; i < PUPPETS_MAX; i++)
		wayland->ends[i] = -1;
	wayland_listen(wayland, "wayland-7");
	wayland_connect(wayland, CLERK);
	wayland_connect(wayland, THIEF);
	*state = wayland;
	return 0;
}

int wayland_close(void **state)
{
	struct wayland *wayland = *state;
	void *scene = wayland->scene;

	for (size_t i = 0; i < PUPPETS_MAX; i++)
		if (wayland->ends[i] >= 0)
			close(wayland->ends[i]);
	close(wayland->listener);
	free(wayland);
	return scene_strike(&scene);
}

void wayland_make_pipe(const struct wayland *wayland, uint32_t who, int ret_ends[2])
{
	struct puppet *puppet = &wayland->scene->stage->puppets[who];

	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_pipe2, (long)puppet->fds, 0), 0);
	memcpy(ret_ends, puppet->fds, sizeof(puppet->fds));
}

/* One byte and so many descriptors, or the room for them. */
static struct msghdr make_message(void *byte, struct iovec *part, void *control, const int *fds,
				  int n)
{
	size_t bytes = sizeof(int) * (size_t)n;
	struct cmsghdr *header = control;

	*part = (struct iovec){byte, 1};
	*header = (struct cmsghdr){CMSG_LEN(bytes), SOL_SOCKET, SCM_RIGHTS};
	if (fds)
		memcpy(CMSG_DATA(header), fds, bytes);
	return (struct msghdr){.msg_iov = part,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = CMSG_SPACE(bytes)};
}

static int take_descriptors(const struct msghdr *message, int *ret_fds)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t bytes;

	assert_non_null(header);
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	bytes = header->cmsg_len - CMSG_LEN(0);
	memcpy(ret_fds, CMSG_DATA(header), bytes);
	return (int)(bytes / sizeof(int));
}

void wayland_pass(const struct wayland *wayland, uint32_t who, const int *fds, int n)
{
	struct puppet *puppet = &wayland->scene->stage->puppets[who];

	puppet->message.msg_hdr =
		make_message(puppet->data, &puppet->vectors[0], puppet->control, fds, n);
	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_sendmsg, wayland->fds[who],
				    (long)&puppet->message.msg_hdr, 0),
			 1);
}

int wayland_take(const struct wayland *wayland, uint32_t who, int *ret_fds)
{
	struct puppet *puppet = &wayland->scene->stage->puppets[who];

	puppet->message.msg_hdr = make_message(puppet->data, &puppet->vectors[0], puppet->control,
					       NULL, WAYLAND_PIPES_MAX);
	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_recvmsg, wayland->fds[who],
				    (long)&puppet->message.msg_hdr, 0),
			 1);
	return take_descriptors(&puppet->message.msg_hdr, ret_fds);
}

int wayland_take_compat(const struct wayland *wayland, uint32_t who)
{
	struct puppet *puppet = &wayland->scene->stage->puppets[who];
	struct compat_message *message = (struct compat_message *)&puppet->message;
	struct compat_part *part = (struct compat_part *)puppet->vectors;
	int fd;

	*part = (struct compat_part){(uint32_t)(uintptr_t)puppet->data, 1};
	*message = (struct compat_message){.vector = (uint32_t)(uintptr_t)part,
					   .n_vectors = 1,
					   .control = (uint32_t)(uintptr_t)puppet->control,
					   .control_bytes = sizeof(puppet->control)};
	assert_int_equal(puppet_compat_call(wayland->scene->stage, who, COMPAT_RECVMSG,
					    (const long[6]){wayland->fds[who], (long)message, 0}),
			 1);
	memcpy(&fd, puppet->control + 3 * sizeof(uint32_t), sizeof(fd));
	return fd;
}

void wayland_pass_to(const struct wayland *wayland, uint32_t who, const int *fds, int n)
{
	char control[CMSG_SPACE(sizeof(int) * WAYLAND_PIPES_MAX)] __attribute__((aligned(8)));
	char byte = 0;
	struct iovec part;
	struct msghdr message = make_message(&byte, &part, control, fds, n);

	assert_int_equal(sendmsg(wayland->ends[who], &message, 0), 1);
}

int wayland_take_from(const struct wayland *wayland, uint32_t who, int *ret_fds)
{
	char control[CMSG_SPACE(sizeof(int) * WAYLAND_PIPES_MAX)] __attribute__((aligned(8)));
	char byte = 0;
	struct iovec part;
	struct msghdr message = make_message(&byte, &part, control, NULL, WAYLAND_PIPES_MAX);

	assert_int_equal(recvmsg(wayland->ends[who], &message, 0), 1);
	return take_descriptors(&message, ret_fds);
}

void wayland_say(const struct wayland *wayland, uint32_t who, const uint32_t *words, size_t n)
{
	size_t bytes = n * sizeof(*words);

	assert_true(bytes <= PUPPET_DATA_BYTES);
	memcpy(scene_data(wayland->scene, who), words, bytes);
	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_write, wayland->fds[who],
				    (long)scene_data(wayland->scene, who), (long)bytes),
			 bytes);
}

void wayland_ask(const struct wayland *wayland, uint32_t owner, int *ret_read, int *ret_write)
{
	int ends[2], fds[WAYLAND_PIPES_MAX];

	wayland_make_pipe(wayland, THIEF, ends);
	wayland_pass(wayland, THIEF, &ends[1], 1);
	SCENE_CALL(wayland->scene, THIEF, SYS_close, ends[1]);
	assert_int_equal(wayland_take_from(wayland, THIEF, fds), 1);
	wayland_pass_to(wayland, owner, fds, 1);
	close(fds[0]);
	assert_int_equal(wayland_take(wayland, owner, fds), 1);
	*ret_read = ends[0];
	*ret_write = fds[0];
}

/* The compositor says so many words to the client, with a descriptor or -1. What the client gets of
 * the latter, or -1. */
static int tell(const struct wayland *wayland, uint32_t who, const uint32_t *words, size_t n,
		int fd)
{
	struct puppet *puppet = &wayland->scene->stage->puppets[who];
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct msghdr message;
	struct iovec part;
	int taken = -1;

	message = make_message(NULL, &part, control, &fd, 1);
	part = (struct iovec){(void *)words, n * sizeof(*words)};
	message.msg_controllen = fd < 0 ? 0 : message.msg_controllen;
	assert_int_equal(sendmsg(wayland->ends[who], &message, 0), part.iov_len);
	message = make_message(puppet->data, &puppet->vectors[0], puppet->control, NULL, 1);
	puppet->message.msg_hdr = message;
	puppet->vectors[0].iov_len = part.iov_len;
	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_recvmsg, wayland->fds[who],
				    (long)&puppet->message.msg_hdr, 0),
			 part.iov_len);
	if (fd >= 0)
		assert_int_equal(take_descriptors(&puppet->message.msg_hdr, &taken), 1);
	return taken;
}

/* And the other way round. */
static int hear(const struct wayland *wayland, uint32_t who, const uint32_t *words, size_t n,
		int fd)
{
	struct puppet *puppet = &wayland->scene->stage->puppets[who];
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct msghdr *message = &puppet->message.msg_hdr, heard;
	uint32_t room[WAYLAND_WORDS_MAX];
	struct iovec part;
	int taken = -1;

	assert_true(n <= WAYLAND_WORDS_MAX);
	memcpy(puppet->data, words, n * sizeof(*words));
	*message = make_message(puppet->data, &puppet->vectors[0], puppet->control, &fd, 1);
	puppet->vectors[0].iov_len = n * sizeof(*words);
	message->msg_controllen = fd < 0 ? 0 : message->msg_controllen;
	assert_int_equal(
		SCENE_CALL(wayland->scene, who, SYS_sendmsg, wayland->fds[who], (long)message, 0),
		puppet->vectors[0].iov_len);
	heard = make_message(room, &part, control, NULL, 1);
	part.iov_len = sizeof(room);
	assert_int_equal(recvmsg(wayland->ends[who], &heard, 0), n * sizeof(*words));
	if (fd >= 0)
		assert_int_equal(take_descriptors(&heard, &taken), 1);
	return taken;
}

#define WORDS(...)                         \
	((const uint32_t[]){__VA_ARGS__}), \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

/* Of one message: whose it is, which one, and how long it is in words. */
#define HEAD(object, opcode, n_words) (object), ((n_words)*4u << 16 | (opcode))
#define TEXT_PLAIN 11, 0x74786574, 0x616c702f, 0x00006e69 /* "text/plain" */
#define SERIAL 77

/* Objects, by the ids that their makers give them: clients, and for an offer the compositor. */
enum {
	SURFACE = 5,
	DEVICE = 7,
	SOURCE = 9,
	OFFER = 0xff000000,
};

/* wl_data_device, wl_data_source and wl_data_offer of wayland.xml */
void wayland_drag(const struct wayland *wayland, uint32_t source, int *ret_read, int *ret_write)
{
	int ends[2], fd;

	/* start_drag; data_offer, offer and enter; accept; target */
	hear(wayland, source, WORDS(HEAD(DEVICE, 0, 6), SOURCE, SURFACE, 0, SERIAL), -1);
	tell(wayland, THIEF,
	     WORDS(HEAD(DEVICE, 0, 3), OFFER, HEAD(OFFER, 0, 6), TEXT_PLAIN, HEAD(DEVICE, 1, 7),
		   SERIAL, SURFACE, 2560, 2560, OFFER),
	     -1);
	hear(wayland, THIEF, WORDS(HEAD(OFFER, 0, 7), SERIAL, TEXT_PLAIN), -1);
	tell(wayland, source, WORDS(HEAD(SOURCE, 0, 6), TEXT_PLAIN), -1);
	/* drop and dnd_drop_performed; receive; send */
	tell(wayland, THIEF, WORDS(HEAD(DEVICE, 4, 2)), -1);
	tell(wayland, source, WORDS(HEAD(SOURCE, 3, 2)), -1);
	wayland_make_pipe(wayland, THIEF, ends);
	fd = hear(wayland, THIEF, WORDS(HEAD(OFFER, 1, 6), TEXT_PLAIN), ends[1]);
	SCENE_CALL(wayland->scene, THIEF, SYS_close, ends[1]);
	*ret_read = ends[0];
	*ret_write = tell(wayland, source, WORDS(HEAD(SOURCE, 1, 6), TEXT_PLAIN), fd);
	close(fd);
}

void wayland_write(const struct wayland *wayland, uint32_t who, int fd)
{
	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_write, fd,
				    (long)scene_data(wayland->scene, who), SCENE_BYTES),
			 SCENE_BYTES);
	SCENE_CALL(wayland->scene, who, SYS_close, fd);
}

void wayland_read(const struct wayland *wayland, uint32_t who, int fd)
{
	assert_int_equal(SCENE_CALL(wayland->scene, who, SYS_read, fd,
				    (long)scene_data(wayland->scene, who), PUPPET_DATA_BYTES / 2),
			 SCENE_BYTES);
	SCENE_CALL(wayland->scene, who, SYS_close, fd);
}

uint64_t wayland_count(const struct wayland *wayland, enum sensor_object_kind kind, bool is_out)
{
	uint64_t bytes = 0;
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(wayland->scene->fixture, &n);

	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == kind && flows[i].is_out == is_out)
			bytes += flows[i].bytes;
	return bytes;
}
