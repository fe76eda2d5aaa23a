/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/display.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "/usr/bin/Xvfb"
#define BATCH_AT 4096
#define PARTS_AT 3008 /* iovecs, behind the rows */
#define PARTS_MAX ((BATCH_AT - PARTS_AT) / sizeof(struct iovec))
#define SETUP_BYTES_MAX 65536
#define ANSWER_BYTES 32

static_assert(BATCH_AT + DISPLAY_BATCH_BYTES <= PUPPET_DATA_BYTES, "room");
static_assert(PARTS_AT >= SCENE_BYTES, "room");

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "display: %s\n", what);
	exit(1);
}

static void run_server(int number_fd)
{
	char number[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(number, sizeof(number), "%d", number_fd);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	execl(SERVER, SERVER, "-displayfd", number, "-screen", "0", "64x64x24", "-nolisten", "tcp",
	      "-ac", "-noreset", "-extension", "GLX", (char *)NULL);
	_exit(127);
}

bool display_is_there(void)
{
	if (access(SERVER, X_OK) == 0)
		return true;
	printf("1..0 # SKIP needs " SERVER "\n");
	return false;
}

void display_start(struct display *ret_display)
{
	char text[16] = "";
	int ends[2];
	ssize_t n;

	must(pipe(ends) == 0, "pipe");
	ret_display->server = fork();
	must(ret_display->server >= 0, "fork");
	if (ret_display->server == 0)
		run_server(ends[1]);
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	must(n > 0, "the X server does not start");
	ret_display->number = atoi(text);
}

void display_stop(struct display *display)
{
	kill(display->server, SIGTERM);
	waitpid(display->server, NULL, 0);
}

uint8_t *display_batch(const struct display_client *client)
{
	return (uint8_t *)scene_data(client->scene, client->who) + BATCH_AT;
}

void display_add_bytes(struct display_client *client, const void *bytes, size_t size)
{
	must(client->batch_bytes + size <= DISPLAY_BATCH_BYTES, "the batch is full");
	memcpy(display_batch(client) + client->batch_bytes, bytes, size);
	client->batch_bytes += size;
}

static long call(const struct display_client *client, long number, long a, long b, long c)
{
	return SCENE_CALL(client->scene, client->who, number, client->fd, a, b, c);
}

void display_send(struct display_client *client)
{
	must(call(client, SYS_write, (long)display_batch(client), (long)client->batch_bytes, 0) ==
		     (long)client->batch_bytes,
	     "write");
	client->batch_bytes = 0;
}

void display_send_parts(struct display_client *client, long number, size_t part_bytes)
{
	struct puppet *puppet = &client->scene->stage->puppets[client->who];
	struct iovec *parts = (struct iovec *)(puppet->data + PARTS_AT);
	struct msghdr *message = &puppet->message.msg_hdr;
	size_t n = 0, at = 0, sent = client->batch_bytes;
	long result;

	must(sent <= PARTS_MAX * part_bytes, "too many parts");
	for (; at < sent; at += part_bytes)
		parts[n++] = (struct iovec){display_batch(client) + at,
					    sent - at < part_bytes ? sent - at : part_bytes};
	memset(message, 0, sizeof(*message));
	message->msg_iov = parts;
	message->msg_iovlen = n;
	if (number == SYS_sendmsg)
		result = call(client, number, (long)message, 0, 0);
	else
		result = call(client, number, (long)parts, (long)n, 0);
	must(result == (long)sent, "send in parts");
	client->batch_bytes = 0;
}

void display_send_messages(struct display_client *client)
{
	struct puppet *puppet = &client->scene->stage->puppets[client->who];

	puppet->vectors[0] = (struct iovec){display_batch(client), client->batch_bytes};
	puppet->message =
		(struct mmsghdr){.msg_hdr = {.msg_iov = puppet->vectors, .msg_iovlen = 1}};
	must(call(client, SYS_sendmmsg, (long)&puppet->message, 1, 0) == 1, "sendmmsg");
	client->batch_bytes = 0;
}

/* Into the batch's memory. */
void display_read(const struct display_client *client, uint8_t *ret_bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t room = size - at < DISPLAY_BATCH_BYTES ? size - at : DISPLAY_BATCH_BYTES;
		long n = call(client, SYS_recvfrom, (long)display_batch(client), (long)room, 0);

		must(n > 0, "the server is gone");
		memcpy(ret_bytes + at, display_batch(client), (size_t)n);
		at += (size_t)n;
	}
}

static uint32_t word_of(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint16_t short_of(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void put_word(uint8_t *bytes, uint32_t word)
{
	memcpy(bytes, &word, sizeof(word));
}

/* The next answer; events go by. RET_REST is what follows the first 32 bytes. */
static void read_answer(const struct display_client *client, uint8_t ret_answer[ANSWER_BYTES],
			uint8_t *ret_rest, size_t rest_size)
{
	do {
		display_read(client, ret_answer, ANSWER_BYTES);
		must(ret_answer[0] != 0, "the server refuses a request");
	} while (ret_answer[0] != 1);
	must(word_of(ret_answer + 4) * 4ull <= rest_size, "the answer is too long");
	display_read(client, ret_rest, word_of(ret_answer + 4) * 4);
}

static void read_setup(struct display_client *client)
{
	uint8_t *setup = calloc(1, SETUP_BYTES_MAX);
	size_t size, screen;

	must(setup, "no memory");
	display_read(client, setup, 8);
	must(setup[0] == 1, "the server lets nobody in");
	size = 8 + short_of(setup + 6) * 4u;
	must(size <= SETUP_BYTES_MAX && size > 40, "setup");
	display_read(client, setup + 8, size - 8);
	client->base = word_of(setup + 12);
	screen = 40 + ((short_of(setup + 24) + 3u) & ~3u) + setup[29] * 8u;
	must(screen + 4 <= size, "setup");
	client->root = word_of(setup + screen);
	client->window = client->base + 1;
	free(setup);
}

/* InternAtom and QueryExtension have one form. */
static void ask_by_name(struct display_client *client, uint8_t opcode, const char *name,
			uint8_t ret_answer[ANSWER_BYTES])
{
	uint8_t query[32] = {opcode};
	size_t length = strlen(name), size = 8 + ((length + 3) & ~(size_t)3);

	must(size <= sizeof(query), "the name is too long");
	query[2] = (uint8_t)(size / 4);
	query[4] = (uint8_t)length;
	memcpy(query + 8, name, length);
	display_add_bytes(client, query, size);
	display_send(client);
	read_answer(client, ret_answer, NULL, 0);
}

uint8_t display_find_extension(struct display_client *client, const char *name)
{
	uint8_t answer[ANSWER_BYTES];

	ask_by_name(client, 98, name, answer);
	return answer[9];
}

uint32_t display_find_atom(struct display_client *client, const char *name)
{
	uint8_t answer[ANSWER_BYTES];
	uint32_t atom;

	ask_by_name(client, 16, name, answer);
	memcpy(&atom, answer + 8, sizeof(atom));
	return atom;
}

void display_reach(const struct display *display, const struct scene *scene, uint32_t who,
		   bool by_path, struct display_client *ret_client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size;

	*ret_client = (struct display_client){.scene = scene, .who = who};
	ret_client->fd = (int)SCENE_CALL(scene, who, SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	size = offsetof(struct sockaddr_un, sun_path) + !by_path +
	       (size_t)snprintf(address.sun_path + !by_path, sizeof(address.sun_path) - 1,
				"/tmp/.X11-unix/X%d", display->number) +
	       by_path;
	display_add_bytes(ret_client, &address, size);
	must(call(ret_client, SYS_connect, (long)display_batch(ret_client), (long)size, 0) == 0,
	     "connect");
	ret_client->batch_bytes = 0;
}

void display_connect(const struct display *display, const struct scene *scene, uint32_t who,
		     bool by_path, struct display_client *ret_client)
{
	static const uint8_t hello[12] = {'l', 0, 11};

	display_reach(display, scene, who, by_path, ret_client);
	display_add_bytes(ret_client, hello, sizeof(hello));
	display_send(ret_client);
	read_setup(ret_client);
	ret_client->big_requests = display_find_extension(ret_client, "BIG-REQUESTS");
}

void display_add_window(struct display_client *client)
{
	uint8_t request[32] = {1, 0, 8};

	put_word(request + 4, client->window);
	put_word(request + 8, client->root);
	put_word(request + 16, 1 | 1 << 16); /* as small as can be */
	request[22] = 2;                     /* InputOnly */
	display_add_bytes(client, request, sizeof(request));
}

void display_add_selection_owner(struct display_client *client)
{
	uint8_t request[16] = {22, 0, 4};

	put_word(request + 4, client->window);
	put_word(request + 8, 1); /* PRIMARY */
	display_add_bytes(client, request, sizeof(request));
}

static void add_put(struct display_client *client, const uint8_t head[24], size_t size)
{
	static const uint8_t padding[3];

	display_add_bytes(client, head, 24);
	display_add_bytes(client, scene_data(client->scene, client->who), size);
	display_add_bytes(client, padding, -size & 3);
}

static void fill_put(uint8_t head[24], uint32_t window, uint32_t type, uint8_t format, size_t size)
{
	size_t words = 6 + (size + 3) / 4;

	head[0] = 18;
	head[2] = (uint8_t)words;
	head[3] = (uint8_t)(words >> 8);
	put_word(head + 4, window);
	put_word(head + 8, DISPLAY_PROPERTY);
	put_word(head + 12, type);
	head[16] = format;
	put_word(head + 20, (uint32_t)(size / (format / 8)));
}

void display_add_put(struct display_client *client, uint32_t window, enum display_mode mode,
		     size_t size)
{
	uint8_t head[24] = {};

	fill_put(head, window, DISPLAY_STRING, 8, size);
	head[1] = (uint8_t)mode;
	add_put(client, head, size);
}

void display_add_put_of_type(struct display_client *client, uint32_t window, uint32_t type,
			     uint8_t format, size_t size)
{
	uint8_t head[24] = {};

	fill_put(head, window, type, format, size);
	add_put(client, head, size);
}

void display_add_get(struct display_client *client, uint32_t window, bool is_taken, uint32_t bytes)
{
	uint8_t request[24] = {20, is_taken, 6};

	put_word(request + 4, window);
	put_word(request + 8, DISPLAY_PROPERTY);
	put_word(request + 20, (bytes + 3) / 4);
	display_add_bytes(client, request, sizeof(request));
}

void display_add_nothing(struct display_client *client)
{
	static const uint8_t request[4] = {127, 0, 1};

	display_add_bytes(client, request, sizeof(request));
}

void display_make_big(struct display_client *client, size_t at)
{
	uint8_t *request = display_batch(client) + at, length[4] = {};
	uint16_t words = (uint16_t)(short_of(request + 2) + 1);

	display_add_bytes(client, length, sizeof(length)); /* for the room */
	memmove(request + 8, request + 4, client->batch_bytes - at - 8);
	request[2] = request[3] = 0;
	put_word(request + 4, words);
}

void display_turn_big_on(struct display_client *client)
{
	uint8_t request[4] = {client->big_requests, 0, 1}, answer[ANSWER_BYTES];

	display_add_bytes(client, request, sizeof(request));
	display_send(client);
	read_answer(client, answer, NULL, 0);
}

/* GetInputFocus has an answer and does nothing. */
void display_wait(struct display_client *client)
{
	static const uint8_t request[4] = {43, 0, 1};
	uint8_t answer[ANSWER_BYTES];

	display_add_bytes(client, request, sizeof(request));
	display_send(client);
	read_answer(client, answer, NULL, 0);
}

size_t display_read_answer(struct display_client *client)
{
	static uint8_t value[1u << 20];
	uint8_t answer[ANSWER_BYTES];

	read_answer(client, answer, value, sizeof(value));
	return word_of(answer + 16) * (answer[1] / 8u);
}
