/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/tls_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "kernel/nss_peer.h"

struct tls_peer {
	SSL_CTX *context;
	SSL *tls;
	int fd;
};

#define TEXT_MAX (1 << 20)
#define STEP_BYTES 150
#define TRIES_MAX 20000 /* of a millisecond */

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "tls peer: %s\n", what);
	exit(1);
}

static struct sockaddr_in address(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(TLS_PEER_PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
}

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"peer", -1, -1,
				   0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	must(X509_sign(certificate, key, EVP_sha256()) > 0, "cannot sign a certificate");
	return certificate;
}

static void *swallow(void *argument)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int listener = *(int *)argument;
	char buffer[16384];

	must(SSL_CTX_use_certificate(context, make_certificate(key)) == 1 &&
		     SSL_CTX_use_PrivateKey(context, key) == 1,
	     "no certificate");
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		SSL *tls = SSL_new(context);

		SSL_set_fd(tls, fd);
		if (SSL_accept(tls) == 1)
			while (SSL_read(tls, buffer, sizeof(buffer)) > 0)
				;
		SSL_free(tls);
		close(fd);
	}
	return NULL;
}

void tls_peer_serve(void)
{
	int *listener = malloc(sizeof(*listener)), one = 1;
	struct sockaddr_in own = address();
	pthread_t thread;

	must(listener, "no memory");
	signal(SIGPIPE, SIG_IGN); /* who has sent all is gone before it has its session ticket */
	*listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(*listener, (struct sockaddr *)&own, sizeof(own)) == 0 &&
		     listen(*listener, 16) == 0,
	     "cannot listen");
	must(pthread_create(&thread, NULL, swallow, listener) == 0, "no thread");
}

static size_t read_file(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, TEXT_MAX);

	must(size >= 0, path);
	close(fd);
	return (size_t)size;
}

void tls_peer_wait_for(const char *path)
{
	for (int i = 0; i < TRIES_MAX && access(path, F_OK) < 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void send_piece(SSL *tls, bool is_counted, const char *text, size_t bytes)
{
	size_t written = 0;

	if (is_counted)
		must(SSL_write_ex(tls, text, bytes, &written) == 1 && written == bytes,
		     "SSL_write_ex");
	else
		must(SSL_write(tls, text, (int)bytes) == (int)bytes, "SSL_write");
}

static int connect_peer(void)
{
	struct sockaddr_in other = address();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(connect(fd, (struct sockaddr *)&other, sizeof(other)) == 0, "connect");
	return fd;
}

struct tls_peer *tls_peer_connect(void)
{
	struct tls_peer *peer = calloc(1, sizeof(*peer));

	must(peer, "no memory");
	peer->context = SSL_CTX_new(TLS_client_method());
	peer->tls = SSL_new(peer->context);
	peer->fd = connect_peer();
	SSL_set_fd(peer->tls, peer->fd);
	must(SSL_connect(peer->tls) == 1, "SSL_connect");
	return peer;
}

void tls_peer_send(struct tls_peer *peer, const char *text, size_t bytes)
{
	send_piece(peer->tls, false, text, bytes);
}

static void send_text(bool is_counted, const char *text, size_t size)
{
	struct tls_peer *peer = tls_peer_connect();

	for (size_t at = 0, piece = 5; at < size; at += piece, piece = piece * 3 % 9001 + 1) {
		size_t bytes = piece < size - at ? piece : size - at;

		send_piece(peer->tls, is_counted, text + at, bytes);
	}
	SSL_shutdown(peer->tls);
	SSL_free(peer->tls);
	SSL_CTX_free(peer->context);
	close(peer->fd);
	free(peer);
}

/* Each part of the text, to a form feed, when GO.0, GO.1 and so on is there; "done" when it is
 * sent.
 */
static void send_in_steps(const char *go, const char *text, size_t size)
{
	struct tls_peer *peer = NULL;
	char path[PATH_MAX];

	for (size_t at = 0, step = 0; at < size; at++, step++) {
		const char *end = memchr(text + at, '\f', size - at);
		size_t part_end = end ? (size_t)(end - text) : size;

		snprintf(path, sizeof(path), "%s.%zu", go, step);
		tls_peer_wait_for(path);
		if (!peer)
			peer = tls_peer_connect();
		for (size_t bytes; at < part_end; at += bytes) {
			bytes = part_end - at < STEP_BYTES ? part_end - at : STEP_BYTES;
			tls_peer_send(peer, text + at, bytes);
		}
		printf("done\n");
		fflush(stdout);
	}
}

int tls_peer_main(int argc, char **argv)
{
	static char text[TEXT_MAX], source[TEXT_MAX], path[PATH_MAX];
	bool is_nss = argc > 2 && strncmp(argv[2], "PR_", 3) == 0;

	if (argc != 6 || strcmp(argv[1], "tls-client") != 0)
		return -1;
	if (strcmp(argv[3], "-") != 0)
		read_file(argv[3], source);
	if (is_nss)
		nss_peer_load();
	printf("ready\n");
	fflush(stdout);
	if (strcmp(argv[2], "SSL_write/steps") == 0) {
		send_in_steps(argv[4], text, read_file(argv[5], text));
		return 0;
	}
	tls_peer_wait_for(argv[4]);
	snprintf(path, sizeof(path), "%s.other", argv[5]);
	if (is_nss)
		nss_peer_send(argv[2], connect_peer(), text, read_file(argv[5], text), path);
	else
		send_text(strcmp(argv[2], "SSL_write_ex") == 0, text, read_file(argv[5], text));
	return 0;
}
