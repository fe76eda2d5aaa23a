/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/hello.h"
#include "kernel/letter.h"

static void *answer(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char heard[4096] = "";

	while (recv(fd, heard, sizeof(heard), 0) > 0)
		if (send(fd, heard, CLIENT_ANSWER_BYTES, MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	return NULL;
}

static void *serve(void *argument)
{
	int listener = (int)(intptr_t)argument;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t id;

		if (fd < 0)
			return NULL;
		if (pthread_create(&id, NULL, answer, (void *)(intptr_t)fd) == 0)
			pthread_detach(id);
	}
}

int client_start_server(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(CLIENT_SERVER_PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	pthread_t id;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(pthread_create(&id, NULL, serve, (void *)(intptr_t)fd), 0);
	pthread_detach(id);
	return 0;
}

void client_name_this_machine(const char *name)
{
	char path[] = "/tmp/weir-hosts-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || dprintf(fd, "127.0.0.1 localhost %s\n", name) < 0 ||
	    unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(path, "/etc/hosts", NULL, MS_BIND, NULL) < 0)
		perror("a name for 127.0.0.1");
	close(fd);
	unlink(path);
}

int client_connect(const struct scene *scene, const char *host)
{
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM);
	struct sockaddr_in *peer = &letter_of(scene, CLERK)->peers[0];

	*peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(CLIENT_SERVER_PORT)};
	assert_int_equal(inet_pton(AF_INET, host, &peer->sin_addr), 1);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)peer, sizeof(*peer)), 0);
	return fd;
}

void client_write(const struct scene *scene, int fd, const void *data, size_t bytes)
{
	memcpy(scene_data(scene, CLERK), data, bytes);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK),
				    (long)bytes),
			 bytes);
}

void client_say(const struct scene *scene, int fd, const char *text)
{
	client_write(scene, fd, text, strlen(text));
}

void client_say_hello(const struct scene *scene, int fd, const char *host)
{
	char hello[HELLO_BYTES];
	size_t bytes = hello_make(host, hello);

	client_write(scene, fd, hello, bytes);
}

void client_read_answer(const struct scene *scene, int fd)
{
	assert_true(SCENE_CALL(scene, CLERK, SYS_read, fd, (long)scene_data(scene, CLERK),
			       CLIENT_ANSWER_BYTES) > 0);
}

bool client_is_labelled(const struct scene *scene)
{
	return scene_labelled_bytes(scene, CLERK, "trace") > 0;
}
