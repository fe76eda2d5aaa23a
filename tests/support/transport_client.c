/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "transport_fixture.h"

static void answer_write(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		_exit(1);
}

static void answer_error(int fd)
{
	char text[256];

	ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
	answer_write(fd, text, strlen(text));
}

static int client_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(2);
	return fd;
}

static void speak_plain(const struct transport_client *client, int fd, int answer_fd)
{
	char answer[4096];
	ssize_t n;

	if (client->n_bytes > 0 &&
	    send(fd, client->bytes, client->n_bytes, MSG_NOSIGNAL) != (ssize_t)client->n_bytes)
		return;
	while ((n = recv(fd, answer, sizeof(answer), 0)) > 0)
		answer_write(answer_fd, answer, (size_t)n);
}

static SSL *client_new_ssl(const struct transport_client *client)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context || !SSL_CTX_set_min_proto_version(context, client->min_version) ||
	    !SSL_CTX_set_max_proto_version(context, client->max_version))
		_exit(3);
	if (client->identity &&
	    (SSL_CTX_use_certificate_file(context, client->identity->certificate,
					  SSL_FILETYPE_PEM) != 1 ||
	     SSL_CTX_use_PrivateKey_file(context, client->identity->key, SSL_FILETYPE_PEM) != 1))
		_exit(4);
	return SSL_new(context);
}

static void speak_tls(const struct transport_client *client, int fd, int answer_fd)
{
	SSL *ssl = client_new_ssl(client);
	char answer[4096];
	int n;

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1) {
		answer_error(answer_fd);
		return;
	}
	if (client->n_bytes > 0)
		SSL_write(ssl, client->bytes, (int)client->n_bytes);
	while ((n = SSL_read(ssl, answer, sizeof(answer))) > 0)
		answer_write(answer_fd, answer, (size_t)n);
	if (SSL_get_error(ssl, n) == SSL_ERROR_SSL)
		answer_error(answer_fd);
}

/* The collector's sockets came along by the fork, and would stay open when it closes them. */
static void client_run(const struct transport_client *client, int answer_fd)
{
	int fd;

	if (answer_fd > 3 && dup2(answer_fd, 3) != 3)
		_exit(5);
	close_range(4, ~0U, 0);
	fd = client_connect(client->port);
	signal(SIGPIPE, SIG_IGN);
	if (client->max_version)
		speak_tls(client, fd, 3);
	else
		speak_plain(client, fd, 3);
	_exit(0);
}

void transport_client_start(struct transport_client *client)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	client->pid = fork();
	assert_true(client->pid >= 0);
	if (client->pid == 0)
		client_run(client, fds[1]);
	close(fds[1]);
	client->pipe_fd = fds[0];
	client->n_answer = 0;
	assert_int_equal(fcntl(client->pipe_fd, F_SETFL, O_NONBLOCK), 0);
}

bool transport_client_is_done(void *userdata)
{
	struct transport_client *client = userdata;
	char *answer = client->answer;
	ssize_t n = read(client->pipe_fd, answer + client->n_answer,
			 sizeof(client->answer) - 1 - client->n_answer);
	int status;

	if (n > 0)
		client->n_answer += (size_t)n;
	if (n != 0)
		return false;
	assert_int_equal(waitpid(client->pid, &status, 0), client->pid);
	assert_int_equal(status, 0);
	close(client->pipe_fd);
	answer[client->n_answer] = '\0';
	for (size_t i = 0; i < client->n_answer; i++)
		if (answer[i] < ' ' || answer[i] > '~')
			answer[i] = '.';
	return true;
}
