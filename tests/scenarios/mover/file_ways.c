/* SPDX-License-Identifier: GPL-2.0-only */
/* Files and what copies them: within the kernel, by mappings, under other names. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "scenarios/mover/mover.h"

#define KERNEL_COPY_MAX 65536

static long move_by_write(const struct errand *errand)
{
	return mover_send_file(errand, errand->source);
}

static long move_by_sendfile(const struct errand *errand)
{
	int from = mover_open_source(errand), to = mover_connect(errand);
	long sent = 0, n;

	while ((n = mover_must(sendfile(to, from, NULL, KERNEL_COPY_MAX), "sendfile")) > 0)
		sent += n;
	return sent;
}

/* Everything that lies in a pipe; its writing end is closed. */
static long splice_out(const struct errand *errand, int pipe_end)
{
	int to = mover_connect(errand);
	long sent = 0, n;

	while ((n = mover_must(splice(pipe_end, NULL, to, NULL, KERNEL_COPY_MAX, 0), "splice")) > 0)
		sent += n;
	return sent;
}

static void splice_source(const struct errand *errand, int pipe_end)
{
	int from = mover_open_source(errand);

	mover_must(splice(from, NULL, pipe_end, NULL, KERNEL_COPY_MAX, 0), "splice");
	close(from);
}

static long move_by_splice(const struct errand *errand)
{
	int ends[2];

	mover_must(pipe2(ends, O_CLOEXEC), "pipe");
	splice_source(errand, ends[1]);
	close(ends[1]);
	return splice_out(errand, ends[0]);
}

static long move_by_vmsplice(const struct errand *errand)
{
	struct iovec data = {mover_data, mover_read_source(errand)};
	int ends[2];

	mover_must(pipe2(ends, O_CLOEXEC), "pipe");
	mover_must(vmsplice(ends[1], &data, 1, 0), "vmsplice");
	close(ends[1]);
	return splice_out(errand, ends[0]);
}

static long move_by_tee(const struct errand *errand)
{
	int ends[2], twin[2];

	mover_must(pipe2(ends, O_CLOEXEC), "pipe");
	mover_must(pipe2(twin, O_CLOEXEC), "pipe");
	splice_source(errand, ends[1]);
	mover_must(tee(ends[0], twin[1], KERNEL_COPY_MAX, 0), "tee");
	close(twin[1]);
	return splice_out(errand, twin[0]);
}

/* Most ways with a file end like this: somebody else comes for it. */
static long carry_copy(const struct errand *errand, long argument)
{
	(void)argument;
	mover_sleep();
	return mover_send_file(errand, errand->copy);
}

static long hand_over(pid_t courier)
{
	mover_wake(courier);
	mover_wait_for_courier(courier);
	return 0;
}

static long move_by_copy_file_range(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);
	int from = mover_open_source(errand), to = mover_make_copy(errand);

	while (mover_must(copy_file_range(from, NULL, to, NULL, KERNEL_COPY_MAX, 0),
			  "copy_file_range") > 0)
		;
	return hand_over(courier);
}

static long move_by_mmap_read(const struct errand *errand)
{
	size_t bytes = mover_source_bytes(errand);
	int from = mover_open_source(errand);
	void *at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, from, 0);

	if (at == MAP_FAILED)
		mover_fail("mmap");
	return mover_send(mover_connect(errand), at, bytes);
}

/* Not a call after this one moves the data into the file. */
static void write_by_mapping(int file, size_t bytes)
{
	void *at;

	mover_must(ftruncate(file, (off_t)bytes), "ftruncate");
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (at == MAP_FAILED)
		mover_fail("mmap");
	memcpy(at, mover_data, bytes);
	munmap(at, bytes);
}

static long move_by_mmap_write(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);
	size_t bytes = mover_read_source(errand);

	write_by_mapping(mover_make_copy(errand), bytes);
	return hand_over(courier);
}

static long carry_memfd(const struct errand *errand, long fd)
{
	mover_sleep();
	mover_must(lseek((int)fd, 0, SEEK_SET), "lseek");
	return mover_send_from(errand, (int)fd, SIZE_MAX);
}

static long move_by_memfd(const struct errand *errand)
{
	int file = (int)mover_must(memfd_create("rows", 0), "memfd_create");
	pid_t courier = mover_start_courier(errand, file);

	mover_send(file, mover_data, mover_read_source(errand));
	return hand_over(courier);
}

static long move_by_memfd_mapping(const struct errand *errand)
{
	int file = (int)mover_must(memfd_create("rows", 0), "memfd_create");
	pid_t courier = mover_start_courier(errand, file);

	write_by_mapping(file, mover_read_source(errand));
	return hand_over(courier);
}

static long move_by_preadv2_pwritev2(const struct errand *errand)
{
	struct iovec halves[2] = {{mover_data, 1000}, {mover_data + 1000, MOVER_BYTES_MAX - 1000}};
	int from = mover_open_source(errand), to = mover_make_copy(errand);
	long n = mover_must(preadv2(from, halves, 2, 0, 0), "preadv2");

	halves[1].iov_len = (size_t)n - 1000;
	mover_must(pwritev2(to, halves, 2, 0, 0), "pwritev2");
	/* At the current position, where a socket has its only one. */
	return mover_must(pwritev2(mover_connect(errand), halves, 2, -1, 0), "pwritev2");
}

static void write_copy(const struct errand *errand, const char *path)
{
	int to = (int)mover_must(open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644), path);

	mover_send(to, mover_data, mover_read_source(errand));
	close(to);
}

static long move_by_rename(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);

	write_copy(errand, "before-rename");
	mover_must(rename("before-rename", errand->copy), "rename");
	return hand_over(courier);
}

static long move_by_exchange(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);

	close(mover_make_copy(errand));
	write_copy(errand, "before-exchange");
	mover_must(renameat2(AT_FDCWD, "before-exchange", AT_FDCWD, errand->copy, RENAME_EXCHANGE),
		   "renameat2");
	return hand_over(courier);
}

static long move_by_link(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);

	mover_must(link(errand->source, errand->copy), "link");
	return hand_over(courier);
}

static long move_by_symlink(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);

	mover_must(symlink(errand->source, errand->copy), "symlink");
	return hand_over(courier);
}

static long move_by_tmpfile(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, 0);
	int to = (int)mover_must(open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644), "O_TMPFILE");
	char path[64];

	mover_send(to, mover_data, mover_read_source(errand));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	mover_must(linkat(AT_FDCWD, path, AT_FDCWD, errand->copy, AT_SYMLINK_FOLLOW), "linkat");
	close(to);
	return hand_over(courier);
}

const struct mover_way mover_file_ways[] = {
	{"write", move_by_write, NULL},
	{"sendfile", move_by_sendfile, NULL},
	{"splice", move_by_splice, NULL},
	{"vmsplice", move_by_vmsplice, NULL},
	{"tee", move_by_tee, NULL},
	{"copy_file_range", move_by_copy_file_range, carry_copy},
	{"mmap-read", move_by_mmap_read, NULL},
	{"mmap-shared-write", move_by_mmap_write, carry_copy},
	{"memfd", move_by_memfd, carry_memfd},
	{"memfd-mmap", move_by_memfd_mapping, carry_memfd},
	{"preadv2-pwritev2", move_by_preadv2_pwritev2, NULL},
	{"rename", move_by_rename, carry_copy},
	{"rename-exchange", move_by_exchange, carry_copy},
	{"link", move_by_link, carry_copy},
	{"symlink", move_by_symlink, carry_copy},
	{"o_tmpfile-linkat", move_by_tmpfile, carry_copy},
	{NULL, NULL, NULL},
};
