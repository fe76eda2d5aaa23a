/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A 32-bit program of i386, without any library: "mover32 WAY SOURCE TARGET" moves data by calls
 * that 32-bit programs have made at one time or another, and says how many bytes went out.
 */

#define SIZE 65536

enum number { /* arch/x86/entry/syscalls/syscall_32.tbl */
	EXIT = 1,
	READ = 3,
	WRITE = 4,
	OPEN = 5,
	CREAT = 8,
	UNLINK = 10,
	RENAME = 38,
	OLD_MMAP = 90,
	SOCKETCALL = 102,
	MMAP2 = 192,
	SENDFILE64 = 239,
	OPENAT = 295,
	SENDMMSG = 345,
	SOCKET = 359,
	CONNECT = 362,
	SENDTO = 369,
	SENDMSG = 370,
	RECVFROM = 371,
	IO_URING_SETUP = 425,
	IO_URING_ENTER = 426,
};

enum subcall { /* uapi/linux/net.h */
	SUB_SOCKET = 1,
	SUB_CONNECT = 3,
	SUB_SENDTO = 11,
	SUB_RECV = 10,
};

struct address { /* struct sockaddr_in */
	unsigned short family, port;
	unsigned int ip, zero[2];
};

struct vector {
	void *base;
	unsigned int bytes;
};

struct message {
	void *name;
	unsigned int name_bytes;
	struct vector *vectors;
	unsigned int n_vectors;
	void *control;
	unsigned int control_bytes, flags;
};

struct one_of_many {
	struct message message;
	unsigned int bytes;
};

/* Of struct io_uring_params and io_uring_sqe, by 32-bit words. uapi/linux/io_uring.h */
enum ring_word {
	RING_SQ_TAIL = 11,
	RING_SQ_ARRAY = 16,
	RING_CQ_CQES = 25,
	RING_PARAMS = 30,
	SQE_OPERATION = 0,
	SQE_FD = 1,
	SQE_ADDRESS = 4,
	SQE_COUNT = 6,
	CQE_RESULT = 2,
};

static char buffer[SIZE];
static unsigned int ring_params[RING_PARAMS];

static int call6(int number, int a, int b, int c, int d, int e, int f)
{
	int result = number;
	int last = f;

	asm volatile("push %%ebp\n\t"
		     "mov (%%eax), %%ebp\n\t"
		     "mov 4(%%eax), %%eax\n\t"
		     "int $0x80\n\t"
		     "pop %%ebp"
		     : "=a"(result)
		     : "a"((int[]){last, number}), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory");
	return result;
}

#define CALL(number, a, b, c, d, e) \
	call6(number, (int)(a), (int)(b), (int)(c), (int)(d), (int)(e), 0)

static void leave(int status)
{
	for (;;)
		CALL(EXIT, status, 0, 0, 0, 0);
}

static int must(int result)
{
	if (result < 0 && result > -4096)
		leave(10);
	return result;
}

static int subcall(int which, int a, int b, int c, int d, int e, int f)
{
	int list[] = {a, b, c, d, e, f};

	return CALL(SOCKETCALL, which, list, 0, 0, 0);
}

static int is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int parse_number(const char **text)
{
	int number = 0;

	while (**text >= '0' && **text <= '9')
		number = number * 10 + *(*text)++ - '0';
	if (**text)
		(*text)++;
	return number;
}

/* "127.0.0.2:18555" */
static void parse_address(const char *text, struct address *ret_address)
{
	unsigned int port;

	ret_address->family = 2;
	ret_address->ip = 0;
	for (int i = 0; i < 4; i++)
		ret_address->ip |= (unsigned int)parse_number(&text) << (8 * i);
	port = (unsigned int)parse_number(&text);
	ret_address->port = (unsigned short)(port << 8 | port >> 8);
}

static void say(int number)
{
	char text[12], *start = text + sizeof(text);

	do
		*--start = (char)('0' + number % 10);
	while (number /= 10);
	CALL(WRITE, 1, start, text + sizeof(text) - start, 0, 0);
}

static int open_source(const char *way, const char *source)
{
	if (is_same(way, "openat"))
		return must(CALL(OPENAT, -100, source, 0, 0, 0));
	return must(CALL(OPEN, source, 0, 0, 0, 0));
}

/* In the two ways of i386. */
static char *map(const char *way, int fd)
{
	int list[] = {0, SIZE, 1, 2, fd, 0};

	if (is_same(way, "old mmap"))
		return (char *)must(CALL(OLD_MMAP, list, 0, 0, 0, 0));
	return (char *)must(call6(MMAP2, 0, SIZE, 1, 2, fd, 0));
}

static int move_to_file(const char *way, const char *source, const char *target)
{
	int from = open_source(way, source), to = must(CALL(CREAT, target, 0644, 0, 0, 0));
	int way_is_map = is_same(way, "mmap2") || is_same(way, "old mmap");

	if (is_same(way, "sendfile64"))
		return must(CALL(SENDFILE64, to, from, 0, SIZE, 0));
	if (way_is_map)
		return must(CALL(WRITE, to, map(way, from), SIZE, 0, 0));
	return must(CALL(WRITE, to, buffer, must(CALL(READ, from, buffer, SIZE, 0, 0)), 0, 0));
}

static char *map_ring(int ring, int offset_pages)
{
	return (char *)must(call6(MMAP2, 0, 4096, 3, 1, ring, offset_pages));
}

static int send_by_ring(int fd, struct message *message)
{
	int ring = must(CALL(IO_URING_SETUP, 1, ring_params, 0, 0, 0));
	char *submissions = map_ring(ring, 0), *completions = map_ring(ring, 0x8000);
	unsigned int *request = (unsigned int *)map_ring(ring, 0x10000);

	request[SQE_OPERATION] = 9; /* IORING_OP_SENDMSG */
	request[SQE_FD] = (unsigned int)fd;
	request[SQE_ADDRESS] = (unsigned int)message;
	request[SQE_COUNT] = 1;
	*(unsigned int *)(submissions + ring_params[RING_SQ_ARRAY]) = 0;
	*(unsigned int *)(submissions + ring_params[RING_SQ_TAIL]) = 1;
	must(CALL(IO_URING_ENTER, ring, 1, 1, 1, 0));
	return ((int *)(completions + ring_params[RING_CQ_CQES]))[CQE_RESULT];
}

/* The first message goes to another port. */
static int send_two(int fd, const struct message *message)
{
	struct address beside = *(const struct address *)message->name;
	struct vector little = {buffer, 10};
	struct one_of_many two[2] = {{*message, 0}, {*message, 0}};

	beside.port = (unsigned short)(beside.port + 0x100);
	two[0].message.name = &beside;
	two[0].message.vectors = &little;
	if (must(CALL(SENDMMSG, fd, two, 2, 0, 0)) != 2)
		leave(11);
	return (int)two[1].bytes;
}

static int move_to_network(const char *way, const char *source, const char *target)
{
	int from = open_source(way, source), fd;
	struct address to = {};
	struct vector vector = {buffer, 1000};
	struct message message = {&to, sizeof(to), &vector, 1, 0, 0, 0};

	must(CALL(READ, from, buffer, SIZE, 0, 0));
	parse_address(target, &to);
	if (is_same(way, "io_uring SENDMSG"))
		return must(send_by_ring(must(CALL(SOCKET, 2, 2, 0, 0, 0)), &message));
	if (is_same(way, "sendmsg")) {
		fd = must(CALL(SOCKET, 2, 2, 0, 0, 0));
		return must(CALL(SENDMSG, fd, &message, 0, 0, 0));
	}
	if (is_same(way, "sendmmsg"))
		return send_two(must(CALL(SOCKET, 2, 2, 0, 0, 0)), &message);
	if (is_same(way, "socketcall sendto")) {
		fd = must(subcall(SUB_SOCKET, 2, 2, 0, 0, 0, 0));
		return must(subcall(SUB_SENDTO, fd, (int)buffer, 1000, 0, (int)&to, sizeof(to)));
	}
	fd = must(CALL(SOCKET, 2, 1, 0, 0, 0));
	must(CALL(CONNECT, fd, &to, sizeof(to), 0, 0));
	return must(CALL(SENDTO, fd, buffer, SIZE, 0, 0));
}

static int move_from_network(const char *way, const char *source, const char *target)
{
	struct address from = {};
	struct vector vector = {buffer, 10};
	struct message question = {&from, sizeof(from), &vector, 1, 0, 0, 0};
	int is_list = is_same(way, "socketcall recv");
	int to = must(CALL(CREAT, target, 0644, 0, 0, 0)), fd, bytes;

	parse_address(source, &from);
	if (is_same(way, "sendmsg with MSG_FASTOPEN")) {
		fd = must(CALL(SOCKET, 2, 1, 0, 0, 0));
		must(CALL(SENDMSG, fd, &question, 0x20000000, 0, 0));
		bytes = must(CALL(RECVFROM, fd, buffer, SIZE, 0, 0));
	} else if (is_list) {
		fd = must(subcall(SUB_SOCKET, 2, 1, 0, 0, 0, 0));
		must(subcall(SUB_CONNECT, fd, (int)&from, sizeof(from), 0, 0, 0));
		bytes = must(subcall(SUB_RECV, fd, (int)buffer, SIZE, 0, 0, 0));
	} else {
		fd = must(CALL(SOCKET, 2, 1, 0, 0, 0));
		must(CALL(CONNECT, fd, &from, sizeof(from), 0, 0));
		bytes = must(CALL(RECVFROM, fd, buffer, SIZE, 0, 0));
	}
	return must(CALL(WRITE, to, buffer, bytes, 0, 0));
}

__attribute__((used)) static void start(const char **stack)
{
	const char *way = stack[2], *source = stack[3], *target = stack[4];

	if ((int)stack[0] != 4)
		leave(2);
	if (is_same(way, "rename"))
		say(must(CALL(RENAME, source, target, 0, 0, 0)));
	else if (is_same(way, "unlink"))
		say(must(CALL(UNLINK, target, 0, 0, 0, 0)));
	else if (is_same(way, "recvfrom") || is_same(way, "socketcall recv") ||
		 is_same(way, "sendmsg with MSG_FASTOPEN"))
		say(move_from_network(way, source, target));
	else if (is_same(way, "sendto") || is_same(way, "sendmsg") || is_same(way, "sendmmsg") ||
		 is_same(way, "socketcall sendto") || is_same(way, "io_uring SENDMSG"))
		say(move_to_network(way, source, target));
	else
		say(move_to_file(way, source, target));
	leave(0);
}

asm(".globl _start\n"
    "_start:\n\t"
    "mov %esp, %eax\n\t"
    "and $-16, %esp\n\t"
    "sub $12, %esp\n\t"
    "push %eax\n\t"
    "call start");
