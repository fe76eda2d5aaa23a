/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs that what apps write is read for records: ns of the writer's processor time, of one
 * write to a pipe (and the read that empties it again) and of one call of SSL_write. Each figure is
 * the least of some rounds. Needs root, and loads a sensor of its own.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel_files.h"
#include "kernel/kernel_fixture.h"
#include "kernel/kernel_records.h"
#include "kernel/tls_peer.h"

#define ROUNDS 7
#define CALLS 2000
#define TEXT_BYTES 32768

static const size_t sizes[] = {64, 1024, 4096, 32768};

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct figures {
	double ns[N_SIZES];
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Rows of customers, four numbers in each. */
static void fill_text(char *text, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; at + 128 < size; i++)
		at += (size_t)snprintf(text + at, size - at,
				       "P20%08zu,Wei Li,139%08zu,wei.li%zu@corp.cn,12 Nanjing "
				       "Rd,Shanghai,motor,%zu.00\n",
				       i % 500, i % 500, i % 500, 800 + i % 100);
	memset(text + at, ' ', size - at);
}

static void read_source(const char *path)
{
	FILE *file = strcmp(path, "-") != 0 ? fopen(path, "re") : NULL;
	char byte;

	if (file && fread(&byte, 1, 1, file) == 1)
		fclose(file);
}

/* The worker: "records pipe SOURCE". */
static int measure_pipe(const char *source)
{
	static char text[TEXT_BYTES], drain[TEXT_BYTES];
	int ends[2];

	fill_text(text, sizeof(text));
	read_source(source);
	if (pipe(ends) < 0)
		return 1;
	for (size_t i = 0; i < N_SIZES; i++) {
		double least = 1e18;

		for (int round = 0; round < ROUNDS; round++) {
			double began = now_ns(), ns;

			for (int call = 0; call < CALLS; call++)
				if (write(ends[1], text, sizes[i]) != (ssize_t)sizes[i] ||
				    read(ends[0], drain, sizes[i]) != (ssize_t)sizes[i])
					return 1;
			ns = (now_ns() - began) / CALLS;
			least = ns < least ? ns : least;
		}
		printf("%f\n", least);
	}
	return 0;
}

static void take(struct kernel_fixture *fixture, pid_t pid, int output, struct figures *ret)
{
	char text[1024], *at = text;

	(void)fixture;
	kernel_fixture_wait(pid, output, text, sizeof(text));
	for (size_t i = 0; i < N_SIZES; i++)
		ret->ns[i] = strtod(at, &at);
}

static struct figures pipes_of(struct kernel_fixture *fixture, const char *source)
{
	char *arguments[] = {"records", "pipe", (char *)source, NULL};
	struct figures figures;
	int output;
	pid_t pid = kernel_fixture_spawn(fixture, arguments, &output);

	take(fixture, pid, output, &figures);
	return figures;
}

/* Reads as tls_peer_main() does, and its functions are attached to meanwhile. */
static struct figures tls_of(struct kernel_fixture *fixture, const char *source, bool is_watched)
{
	char go[192], ready[6];
	char *arguments[] = {"records", "tls", (char *)source, go, NULL};
	struct figures figures;
	int output;
	pid_t pid;

	snprintf(go, sizeof(go), "%s/go", kernel_fixture_folder(fixture));
	unlink(go);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	if (read(output, ready, sizeof(ready)) != sizeof(ready))
		exit(1);
	if (is_watched)
		(void)sensor_watch_tls(kernel_fixture_sensor(fixture), (uint32_t)pid);
	kernel_files_write(go, "", 0, 0644);
	take(fixture, pid, output, &figures);
	return figures;
}

static int measure_tls(const char *source, const char *go)
{
	static char text[TEXT_BYTES];
	struct tls_peer *peer;

	fill_text(text, sizeof(text));
	read_source(source);
	printf("ready\n");
	fflush(stdout);
	tls_peer_wait_for(go);
	peer = tls_peer_connect();
	for (size_t i = 0; i < N_SIZES; i++) {
		double least = 1e18;

		for (int round = 0; round < ROUNDS; round++) {
			double began = now_ns(), ns;

			for (int call = 0; call < CALLS; call++)
				tls_peer_send(peer, text, sizes[i]);
			ns = (now_ns() - began) / CALLS;
			least = ns < least ? ns : least;
		}
		printf("%f\n", least);
	}
	return 0;
}

static void print(const char *what, const struct figures *figures, const struct figures *base)
{
	printf("%-44s", what);
	for (size_t i = 0; i < N_SIZES; i++)
		if (base)
			printf(" %+13.0f", figures->ns[i] - base->ns[i]);
		else
			printf(" %13.0f", figures->ns[i]);
	printf("\n");
}

static void print_rate(const char *what, const struct figures *figures, const struct figures *base)
{
	/* Between the two largest: what each call costs is in neither. */
	double ns = (figures->ns[3] - base->ns[3]) - (figures->ns[2] - base->ns[2]);

	printf("%s: %.0f ns a KiB\n", what, ns / ((double)(sizes[3] - sizes[2]) / 1024));
}

static void compare_pipes(struct kernel_fixture *fixture)
{
	const char *source = kernel_fixture_source(fixture);
	struct figures unlabelled = pipes_of(fixture, "-");
	struct figures labelled = pipes_of(fixture, source), read, idle;

	kernel_records_look(kernel_fixture_sensor(fixture));
	idle = pipes_of(fixture, "-");
	read = pipes_of(fixture, source);
	printf("\n%-44s", "ns of a write to a pipe, bytes:");
	for (size_t i = 0; i < N_SIZES; i++)
		printf(" %13zu", sizes[i]);
	printf("\n");
	print("labelled, not read for records", &labelled, NULL);
	print("  read for records, more by", &read, &labelled);
	print("not labelled", &unlabelled, NULL);
	print("  while others are read, more by", &idle, &unlabelled);
	print_rate("the scanner of the kernel", &read, &labelled);
}

static void compare_tls(struct kernel_fixture *fixture)
{
	const char *source = kernel_fixture_source(fixture);
	struct figures unlabelled = tls_of(fixture, "-", false);
	struct figures labelled = tls_of(fixture, source, false);
	struct figures watched = tls_of(fixture, "-", true), read = tls_of(fixture, source, true);

	printf("\n%-44s", "ns of a call of SSL_write, bytes:");
	for (size_t i = 0; i < N_SIZES; i++)
		printf(" %13zu", sizes[i]);
	printf("\n");
	print("not labelled, no uprobe", &unlabelled, NULL);
	print("  with the uprobe, more by", &watched, &unlabelled);
	print("labelled, no uprobe", &labelled, NULL);
	print("  read by the uprobe, more by", &read, &labelled);
}

int main(int argc, char **argv)
{
	struct kernel_fixture *fixture;

	if (argc == 3 && strcmp(argv[1], "pipe") == 0)
		return measure_pipe(argv[2]);
	if (argc == 4 && strcmp(argv[1], "tls") == 0)
		return measure_tls(argv[2], argv[3]);
	if (geteuid() != 0) {
		fprintf(stderr, "records: needs root\n");
		return 1;
	}
	fixture = kernel_fixture_start(NULL);
	tls_peer_serve();
	compare_pipes(fixture);
	compare_tls(fixture);
	kernel_fixture_stop(fixture);
	return 0;
}
