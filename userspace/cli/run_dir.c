/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/run_dir.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "wire/identity.h"

#define PIN_ROOT "/sys/fs/bpf/weir"
#define PIN_HASH_CHARACTERS 12
/* The children of a run that was killed are gone a moment after it. */
#define LOCK_TRIES 20
#define LOCK_RETRY_NS 100000000

static int problem(char **ret_problem, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int problem(char **ret_problem, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(ret_problem, format, arguments) < 0)
		*ret_problem = NULL;
	va_end(arguments);
	return error;
}

static int join(const char *dir, const char *name, char **ret_path)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

static int make_dirs(const char *path, struct run_dir *dir, char **ret_problem)
{
	int r = file_make_dirs(path, 0700);

	if (r < 0)
		return problem(ret_problem, r, "cannot make the data folder %s: %s", path,
			       strerror(-r));
	dir->path = realpath(path, NULL);
	if (!dir->path)
		return problem(ret_problem, -errno, "cannot use the data folder %s: %s", path,
			       strerror(errno));
	if (join(dir->path, "agent", &dir->agent_dir) < 0 ||
	    join(dir->path, "identity", &dir->identity_dir) < 0)
		return -ENOMEM;
	r = file_make_dirs(dir->agent_dir, 0700);
	if (r < 0)
		return problem(ret_problem, r, "cannot make the folder %s: %s", dir->agent_dir,
			       strerror(-r));
	return 0;
}

static int try_lock(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_RETRY_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static int take_lock(struct run_dir *dir, char **ret_problem)
{
	_cleanup_free_ char *path = NULL;
	char holder[32] = "";
	ssize_t n;
	int r;

	if (join(dir->path, "run.lock", &path) < 0)
		return -ENOMEM;
	dir->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (dir->lock_fd < 0)
		return problem(ret_problem, -errno, "cannot open %s: %s", path, strerror(errno));
	r = try_lock(dir->lock_fd);
	if (r == -EBUSY) {
		n = pread(dir->lock_fd, holder, sizeof(holder) - 1, 0);
		holder[n > 0 ? n : 0] = '\0';
		return problem(ret_problem, r, "another weir run (pid %d) uses %s", atoi(holder),
			       dir->path);
	}
	if (r < 0)
		return problem(ret_problem, r, "cannot lock %s: %s", path, strerror(-r));
	snprintf(holder, sizeof(holder), "%d\n", (int)getpid());
	if (ftruncate(dir->lock_fd, 0) < 0 ||
	    pwrite(dir->lock_fd, holder, strlen(holder), 0) != (ssize_t)strlen(holder))
		return problem(ret_problem, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

/* What an agent name may hold of the host's name; "agent" when that is nothing. */
static void default_agent_id(char ret_name[IDENTITY_NAME_MAX_BYTES + 1])
{
	memset(ret_name, 0, IDENTITY_NAME_MAX_BYTES + 1);
	if (gethostname(ret_name, IDENTITY_NAME_MAX_BYTES) < 0)
		ret_name[0] = '\0';
	for (char *c = ret_name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_' && *c != '-')
			*c = '-';
	if (identity_check_name(ret_name) < 0)
		strcpy(ret_name, "agent");
}

static int read_agent_id(const char *path, char **ret_id)
{
	char *id;
	int r = file_read_all(path, IDENTITY_NAME_MAX_BYTES + 1, &id, NULL);

	if (r < 0)
		return r;
	id[strcspn(id, "\n")] = '\0';
	*ret_id = id;
	return 0;
}

static int write_agent_id(const char *path, const char *id)
{
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "%s\n", id) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return file_write_durably(path, line, strlen(line), 0600);
}

static int settle_agent_id(const char *wanted, struct run_dir *dir, char **ret_problem)
{
	_cleanup_free_ char *path = NULL, *known = NULL;
	char name[IDENTITY_NAME_MAX_BYTES + 1];
	int r;

	if (wanted && identity_check_name(wanted) < 0)
		return problem(ret_problem, -EINVAL,
			       "\"%s\" is no agent name: 1 to %d letters, digits, dots, _ and -",
			       wanted, IDENTITY_NAME_MAX_BYTES);
	if (join(dir->agent_dir, "id", &path) < 0)
		return -ENOMEM;
	r = read_agent_id(path, &known);
	if (r == 0 && identity_check_name(known) < 0)
		return problem(ret_problem, -EINVAL, "%s holds no agent name", path);
	if (r == 0 && wanted && strcmp(wanted, known) != 0)
		return problem(ret_problem, -EEXIST,
			       "%s belongs to the agent %s; for %s use another data folder",
			       dir->path, known, wanted);
	if (r == 0) {
		dir->agent_id = TAKE(known);
		return 0;
	}
	if (r != -ENOENT)
		return problem(ret_problem, r, "cannot read %s: %s", path, strerror(-r));
	default_agent_id(name);
	dir->agent_id = strdup(wanted ? wanted : name);
	if (!dir->agent_id)
		return -ENOMEM;
	r = write_agent_id(path, dir->agent_id);
	if (r < 0)
		return problem(ret_problem, r, "cannot write %s: %s", path, strerror(-r));
	return 0;
}

/* Each data folder has pins of its own, so that runs on one machine never share labels. */
static int name_pins(struct run_dir *dir)
{
	uint8_t hash[32];
	char hex[2 * sizeof(hash) + 1];
	int r = hash_sha256(dir->path, strlen(dir->path), hash);

	if (r < 0)
		return r;
	hash_to_hex(hash, sizeof(hash), hex);
	if (asprintf(&dir->pin_dir, "%s/run-%.*s", PIN_ROOT, PIN_HASH_CHARACTERS, hex) < 0) {
		dir->pin_dir = NULL;
		return -ENOMEM;
	}
	return 0;
}

int run_dir_open(const char *path, const char *agent_id, struct run_dir *ret_dir,
		 char **ret_problem)
{
	struct run_dir dir = {.lock_fd = -1};
	int r;

	*ret_problem = NULL;
	r = make_dirs(path, &dir, ret_problem);
	if (r == 0)
		r = take_lock(&dir, ret_problem);
	if (r == 0)
		r = settle_agent_id(agent_id, &dir, ret_problem);
	if (r == 0)
		r = name_pins(&dir);
	if (r < 0) {
		run_dir_done(&dir);
		return r;
	}
	*ret_dir = dir;
	return 0;
}

void run_dir_done(struct run_dir *dir)
{
	if (dir->lock_fd >= 0)
		close(dir->lock_fd);
	dir->lock_fd = -1;
	free(TAKE(dir->path));
	free(TAKE(dir->agent_dir));
	free(TAKE(dir->identity_dir));
	free(TAKE(dir->pin_dir));
	free(TAKE(dir->agent_id));
}

bool run_dir_is_locked(const char *path)
{
	_cleanup_free_ char *lock = NULL;
	_cleanup_close_ int fd = -1;

	if (join(path, "run.lock", &lock) < 0)
		return false;
	fd = open(lock, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
