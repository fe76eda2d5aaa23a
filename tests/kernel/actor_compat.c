/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/actor_compat.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/net.h>

#include "kernel/actor.h"

#if defined(__x86_64__)
#include <asm/unistd_32.h>

#define MESSAGES_MAX 4

struct vector {
	uint32_t base, bytes;
};

/* As i386 lays them out. include/net/compat.h */
struct message {
	uint32_t name;
	int32_t name_bytes;
	uint32_t vectors, n_vectors, control, control_bytes, flags;
};

struct one_of_many {
	struct message message;
	uint32_t bytes;
};

/* A header of 12 bytes and one descriptor. struct compat_cmsghdr */
#define RIGHTS_WORDS 4

struct low {
	char buffer[8192];
	struct vector halves[2];
	struct one_of_many messages[MESSAGES_MAX];
	int32_t rights[MESSAGES_MAX][RIGHTS_WORDS];
	uint32_t list[6];
	int64_t from, to;
};

static __thread struct low *low;

static uint32_t at(const void *address)
{
	return (uint32_t)(uintptr_t)address;
}

long actor_compat_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	long result = number;

	/* The sixth argument, in ebp, is 0. Away from the red zone of the ABI. */
	asm volatile("lea -128(%%rsp), %%rsp\n\t"
		     "push %%rbp\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "int $0x80\n\t"
		     "pop %%rbp\n\t"
		     "lea 128(%%rsp), %%rsp"
		     : "+a"(result)
		     : "b"((long)a), "c"((long)b), "d"((long)c), "S"((long)d), "D"((long)e)
		     : "memory", "cc", "r8", "r9", "r10", "r11");
	return (int32_t)result;
}

bool actor_compat_is_there(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(actor_compat_call(__NR_getpid, 0, 0, 0, 0, 0) == getpid() ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* Two halves of the thread's own buffer, as vectors and as messages. */
static struct low *prepare(unsigned long size)
{
	uint32_t half = (uint32_t)size / 2;

	if (!low) {
		void *mapped = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

		if (mapped == MAP_FAILED)
			_exit(5);
		low = mapped;
	}
	low->halves[0] = (struct vector){at(low->buffer), half};
	low->halves[1] = (struct vector){at(low->buffer) + half, (uint32_t)size - half};
	memset(low->messages, 0, sizeof(low->messages));
	for (size_t i = 0; i < 2; i++)
		low->messages[i].message =
			(struct message){.vectors = at(&low->halves[i]), .n_vectors = 1};
	low->from = 13;
	low->to = 0;
	return low;
}

static struct low *prepare_message(unsigned long size)
{
	prepare(size)->messages[0].message.n_vectors = 2;
	return low;
}

static long add_up(long n)
{
	long bytes = 0;

	for (long i = 0; i < n; i++)
		bytes += low->messages[i].bytes;
	return n < 0 ? -1 : bytes;
}

int actor_compat_receive_fd(int socket, uint32_t n)
{
	prepare(2);
	for (uint32_t i = 0; i < n && i < MESSAGES_MAX; i++)
		low->messages[i].message =
			(struct message){.vectors = at(&low->halves[0]),
					 .n_vectors = 1,
					 .control = at(low->rights[i]),
					 .control_bytes = sizeof(low->rights[i])};
	if (n < 1 || n > MESSAGES_MAX ||
	    actor_compat_call(__NR_recvmmsg, (uint32_t)socket, at(low->messages), n, 0, 0) != n ||
	    low->messages[n - 1].message.control_bytes != sizeof(low->rights[0]))
		return -1;
	return low->rights[n - 1][RIGHTS_WORDS - 1];
}

static long call_by_list(uint32_t which, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	memcpy(low->list, (uint32_t[]){a, b, c, d, 0, 0}, sizeof(low->list));
	return actor_compat_call(__NR_socketcall, which, at(low->list), 0, 0, 0);
}

#define MOVE(name, before, result)                                            \
	static long do_##name(int fd, int fd2, char *buffer, unsigned long n) \
	{                                                                     \
		uint32_t size = (uint32_t)n;                                  \
                                                                              \
		(void)fd2;                                                    \
		(void)buffer;                                                 \
		(void)size;                                                   \
		before(n);                                                    \
		return result;                                                \
	}
#define CALL(name, ...) actor_compat_call(__NR_##name, __VA_ARGS__)
#define FD ((uint32_t)fd)
#define FD2 ((uint32_t)fd2)
#define BUFFER at(low->buffer)
#define HALVES at(low->halves)
#define MESSAGES at(low->messages)

MOVE(read, prepare, CALL(read, FD, BUFFER, size, 0, 0))
MOVE(pread64, prepare, CALL(pread64, FD, BUFFER, size, size % 4096, 0))
MOVE(readv, prepare, CALL(readv, FD, HALVES, 2, 0, 0))
MOVE(preadv, prepare, CALL(preadv, FD, HALVES, 2, 7, 0))
MOVE(preadv2, prepare, CALL(preadv2, FD, HALVES, 2, 3, 0))
MOVE(write, prepare, CALL(write, FD, BUFFER, size, 0, 0))
MOVE(pwrite64, prepare, CALL(pwrite64, FD, BUFFER, size, 11, 0))
MOVE(writev, prepare, CALL(writev, FD, HALVES, 2, 0, 0))
MOVE(pwritev, prepare, CALL(pwritev, FD, HALVES, 2, 5, 0))
MOVE(pwritev2, prepare, CALL(pwritev2, FD, HALVES, 2, 9, 0))
MOVE(recvfrom, prepare, CALL(recvfrom, FD, BUFFER, size, 0, 0))
MOVE(recvmsg, prepare_message, CALL(recvmsg, FD, MESSAGES, 0, 0, 0))
MOVE(recvmmsg, prepare, add_up(CALL(recvmmsg, FD, MESSAGES, 2, MSG_WAITFORONE, 0)))
MOVE(recvmmsg_time64, prepare, add_up(CALL(recvmmsg_time64, FD, MESSAGES, 2, MSG_WAITFORONE, 0)))
MOVE(sendto, prepare, CALL(sendto, FD, BUFFER, size, MSG_NOSIGNAL, 0))
MOVE(sendmsg, prepare_message, CALL(sendmsg, FD, MESSAGES, MSG_NOSIGNAL, 0, 0))
MOVE(sendmmsg, prepare, add_up(CALL(sendmmsg, FD, MESSAGES, 2, MSG_NOSIGNAL, 0)))
MOVE(list_recv, prepare, call_by_list(SYS_RECV, FD, BUFFER, size, 0))
MOVE(list_recvfrom, prepare, call_by_list(SYS_RECVFROM, FD, BUFFER, size, 0))
MOVE(list_recvmsg, prepare_message, call_by_list(SYS_RECVMSG, FD, MESSAGES, 0, 0))
MOVE(list_recvmmsg, prepare, add_up(call_by_list(SYS_RECVMMSG, FD, MESSAGES, 2, MSG_WAITFORONE)))
MOVE(list_send, prepare, call_by_list(SYS_SEND, FD, BUFFER, size, MSG_NOSIGNAL))
MOVE(list_sendto, prepare, call_by_list(SYS_SENDTO, FD, BUFFER, size, MSG_NOSIGNAL))
MOVE(list_sendmsg, prepare_message, call_by_list(SYS_SENDMSG, FD, MESSAGES, MSG_NOSIGNAL, 0))
MOVE(list_sendmmsg, prepare, add_up(call_by_list(SYS_SENDMMSG, FD, MESSAGES, 2, MSG_NOSIGNAL)))
MOVE(vmsplice, prepare, CALL(vmsplice, FD, HALVES, 2, 0, 0))
MOVE(sendfile, prepare, CALL(sendfile, FD2, FD, at(&low->from), size, 0))
MOVE(sendfile64, prepare, CALL(sendfile64, FD2, FD, at(&low->from), size, 0))
MOVE(copy_file_range, prepare, CALL(copy_file_range, FD, at(&low->from), FD2, at(&low->to), size))
MOVE(splice, prepare, CALL(splice, FD, at(&low->from), FD2, 0, size))

/* What is received overwrites the list of the arguments. */
static long do_list_recv_over(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	(void)buffer;
	prepare(size);
	size = size < sizeof(low->list) ? size : sizeof(low->list);
	return call_by_list(SYS_RECV, FD, at(low->list), (uint32_t)size, 0);
}

const struct actor_call actor_compat_overwriting_calls[] = {
	{"32-bit socketcall recv over its arguments", do_list_recv_over, 'r', 's', 0},
	{NULL, NULL, 0, 0, 0},
};

const struct actor_call actor_compat_calls[] = {
	{"32-bit read", do_read, 'r', 'f', 0},
	{"32-bit pread64", do_pread64, 'r', 'f', 0},
	{"32-bit readv", do_readv, 'r', 'f', 0},
	{"32-bit preadv", do_preadv, 'r', 'f', 0},
	{"32-bit preadv2", do_preadv2, 'r', 'f', 0},
	{"32-bit read_socket", do_read, 'r', 's', 0},
	{"32-bit recvfrom", do_recvfrom, 'r', 's', 0},
	{"32-bit recvmsg", do_recvmsg, 'r', 's', 0},
	{"32-bit recvmmsg", do_recvmmsg, 'r', 's', 0},
	{"32-bit recvmmsg_time64", do_recvmmsg_time64, 'r', 's', 0},
	{"32-bit socketcall recv", do_list_recv, 'r', 's', 0},
	{"32-bit socketcall recvfrom", do_list_recvfrom, 'r', 's', 0},
	{"32-bit socketcall recvmsg", do_list_recvmsg, 'r', 's', 0},
	{"32-bit socketcall recvmmsg", do_list_recvmmsg, 'r', 's', 0},
	{"32-bit write", do_write, 'w', 'f', 0},
	{"32-bit pwrite64", do_pwrite64, 'w', 'f', 0},
	{"32-bit writev", do_writev, 'w', 'f', 0},
	{"32-bit pwritev", do_pwritev, 'w', 'f', 0},
	{"32-bit pwritev2", do_pwritev2, 'w', 'f', 0},
	{"32-bit write_pipe", do_write, 'w', 'p', 0},
	{"32-bit vmsplice", do_vmsplice, 'w', 'p', 0},
	{"32-bit write_unix", do_write, 'w', 'u', 0},
	{"32-bit sendmsg_unix", do_sendmsg, 'w', 'u', 0},
	{"32-bit write_socket", do_write, 'w', 's', 0},
	{"32-bit sendto", do_sendto, 'w', 's', 0},
	{"32-bit sendmsg", do_sendmsg, 'w', 's', 0},
	{"32-bit sendmmsg", do_sendmmsg, 'w', 's', 0},
	{"32-bit sendmmsg_udp", do_sendmmsg, 'w', 'd', 0},
	{"32-bit socketcall send", do_list_send, 'w', 's', 0},
	{"32-bit socketcall sendto", do_list_sendto, 'w', 's', 0},
	{"32-bit socketcall sendmsg", do_list_sendmsg, 'w', 's', 0},
	{"32-bit socketcall sendmmsg", do_list_sendmmsg, 'w', 's', 0},
	{"32-bit sendfile", do_sendfile, 'c', 's', 0},
	{"32-bit sendfile64", do_sendfile64, 'c', 's', 0},
	{"32-bit copy_file_range", do_copy_file_range, 'c', 'f', 0},
	{"32-bit splice", do_splice, 'c', 'p', 0},
	{NULL, NULL, 0, 0, 0},
};

#else

bool actor_compat_is_there(void)
{
	return false;
}

long actor_compat_call(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	(void)number;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	(void)e;
	return -ENOSYS;
}

int actor_compat_receive_fd(int socket, uint32_t n)
{
	(void)socket;
	(void)n;
	return -1;
}

const struct actor_call actor_compat_calls[] = {{NULL, NULL, 0, 0, 0}};
const struct actor_call actor_compat_overwriting_calls[] = {{NULL, NULL, 0, 0, 0}};

#endif
