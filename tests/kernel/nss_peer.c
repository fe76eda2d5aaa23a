/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/nss_peer.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As nspr/prio.h, nspr/prtypes.h and nss/ssl.h declare them; a descriptor stays opaque. */
#define LAYER_ON_TOP -2       /* PR_TOP_IO_LAYER */
#define CREATE_AND_WRITE 0x0a /* PR_CREATE_FILE | PR_WRONLY */
#define N_METHODS 36          /* of struct PRIOMethods */
#define METHOD_WRITE 3
#define N_FILE_ROWS 50
#define TRIES_MAX 512

struct PRFileDesc {
	const void *methods;
	void *secret;
	struct PRFileDesc *lower, *higher;
};

static struct {
	int (*NSS_NoDB_Init)(const char *folder);
	struct PRFileDesc *(*SSL_ImportFD)(struct PRFileDesc *model, struct PRFileDesc *fd);
	int (*SSL_AuthCertificateHook)(struct PRFileDesc *fd, void *function, void *argument);
	int (*SSL_SetURL)(struct PRFileDesc *fd, const char *url);
	int (*SSL_ResetHandshake)(struct PRFileDesc *fd, int as_server);
	struct PRFileDesc *(*PR_ImportTCPSocket)(int fd);
	struct PRFileDesc *(*PR_Open)(const char *path, int flags, int mode);
	int32_t (*PR_Write)(struct PRFileDesc *fd, const void *text, int32_t bytes);
	int32_t (*PR_Send)(struct PRFileDesc *fd, const void *text, int32_t bytes, int flags,
			   uint32_t timeout);
	int (*PR_Close)(struct PRFileDesc *fd);
	const void *(*PR_GetDefaultIOMethods)(void);
	int (*PR_GetUniqueIdentity)(const char *name);
	struct PRFileDesc *(*PR_CreateIOLayerStub)(int identity, const void *methods);
	int (*PR_PushIOLayer)(struct PRFileDesc *fd, int at, struct PRFileDesc *layer);
} nss;

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "nss peer: %s\n", what);
	exit(1);
}

/* The last two are loaded by the others. */
bool nss_peer_is_installed(void)
{
	return dlopen("libssl3.so", RTLD_LAZY) && dlopen("libsoftokn3.so", RTLD_LAZY) &&
	       dlopen("libfreeblpriv3.so", RTLD_LAZY);
}

#define LOAD(library, name) must((nss.name = dlsym(library, #name)), #name)

void nss_peer_load(void)
{
	void *ssl = dlopen("libssl3.so", RTLD_NOW | RTLD_LOCAL);
	void *crypto = dlopen("libnss3.so", RTLD_NOW | RTLD_LOCAL);
	void *nspr = dlopen("libnspr4.so", RTLD_NOW | RTLD_LOCAL);

	must(ssl && crypto && nspr, "NSS is not installed");
	LOAD(crypto, NSS_NoDB_Init);
	LOAD(ssl, SSL_ImportFD);
	LOAD(ssl, SSL_AuthCertificateHook);
	LOAD(ssl, SSL_SetURL);
	LOAD(ssl, SSL_ResetHandshake);
	LOAD(nspr, PR_ImportTCPSocket);
	LOAD(nspr, PR_Open);
	LOAD(nspr, PR_Write);
	LOAD(nspr, PR_Send);
	LOAD(nspr, PR_Close);
	LOAD(nspr, PR_GetDefaultIOMethods);
	LOAD(nspr, PR_GetUniqueIdentity);
	LOAD(nspr, PR_CreateIOLayerStub);
	LOAD(nspr, PR_PushIOLayer);
	must(nss.NSS_NoDB_Init(NULL) == 0, "NSS_NoDB_Init");
}

static int trust_anybody(void *argument, struct PRFileDesc *fd, int check, int is_server)
{
	(void)argument, (void)fd, (void)check, (void)is_server;
	return 0;
}

/* The first write does the handshake, as of any program that does not ask for it. */
static struct PRFileDesc *open_tls(int fd)
{
	struct PRFileDesc *tls = nss.SSL_ImportFD(NULL, nss.PR_ImportTCPSocket(fd));

	must(tls && nss.SSL_AuthCertificateHook(tls, (void *)trust_anybody, NULL) == 0 &&
		     nss.SSL_SetURL(tls, "peer") == 0 && nss.SSL_ResetHandshake(tls, false) == 0,
	     "SSL_ImportFD");
	return tls;
}

static int32_t write_below(struct PRFileDesc *fd, const void *text, int32_t bytes)
{
	return nss.PR_Write(fd->lower, text, bytes);
}

static void push_layer(struct PRFileDesc *tls)
{
	static const void *methods[N_METHODS];
	struct PRFileDesc *layer;

	memcpy(methods, nss.PR_GetDefaultIOMethods(), sizeof(methods));
	methods[METHOD_WRITE] = (const void *)write_below;
	layer = nss.PR_CreateIOLayerStub(nss.PR_GetUniqueIdentity("weir"), methods);
	must(layer && nss.PR_PushIOLayer(tls, LAYER_ON_TOP, layer) == 0, "PR_PushIOLayer");
}

/* NSPR gives the descriptor of the connection that was closed out again, soon. */
static struct PRFileDesc *open_again(const char *path, const struct PRFileDesc *closed)
{
	struct PRFileDesc *file = NULL;

	for (int i = 0; i < TRIES_MAX && file != closed; i++)
		file = nss.PR_Open(path, CREATE_AND_WRITE, 0644);
	must(file == closed, "NSPR has another descriptor for the file");
	return file;
}

/* Other records than the test sends. */
static void write_file(const char *path, const struct PRFileDesc *closed)
{
	struct PRFileDesc *file = open_again(path, closed);
	char row[64];

	for (int i = 0; i < N_FILE_ROWS; i++) {
		int32_t bytes = sprintf(row, "P2099%06d,13888%06d\n", i, i);

		must(nss.PR_Write(file, row, bytes) == bytes, path);
	}
	nss.PR_Close(file);
}

void nss_peer_send(const char *how, int fd, const char *text, size_t size, const char *path)
{
	struct PRFileDesc *tls = open_tls(fd);
	bool is_send = strcmp(how, "PR_Send") == 0;

	if (strcmp(how, "PR_Write/layer") == 0)
		push_layer(tls);
	for (size_t at = 0, piece = 5; at < size; at += piece, piece = piece * 3 % 9001 + 1) {
		int32_t bytes = (int32_t)(piece < size - at ? piece : size - at);

		must((is_send ? nss.PR_Send(tls, text + at, bytes, 0, UINT32_MAX)
			      : nss.PR_Write(tls, text + at, bytes)) == bytes,
		     how);
	}
	nss.PR_Close(tls);
	if (strcmp(how, "PR_Write/file") == 0)
		write_file(path, tls);
}
