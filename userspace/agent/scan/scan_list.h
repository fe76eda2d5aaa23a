/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_LIST_H
#define WEIR_AGENT_SCAN_SCAN_LIST_H

/*
 * Which labelled files are worth reading for records, and when: at once when a
 * program that read one has sent something out, and some time after it was last
 * written, so that one that is removed after it left was read before. A file that
 * was received, and holds no customer data, is read when one program has passed it
 * on to another and customer data meets what came from the same peer: until then it
 * is nobody's business. Bounded: the file that nobody touched for longest is forgotten, and
 * counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;

#define SCAN_LIST_MAX_FILES 1024
#define SCAN_LIST_MAX_RECEIVED 256 /* of them, so that they never crowd out the others */
#define SCAN_LIST_MAX_READERS 16   /* of one file; the first is forgotten */
#define SCAN_LIST_MAX_SENDERS 256  /* between two sweeps */

/* What a file's content is known by: it has not changed while these have not. */
struct scan_version {
	uint64_t size;
	uint64_t modified_ns, changed_ns; /* CLOCK_REALTIME: mtime and ctime */
};

struct scan_reader {
	uint64_t app_id;
	uint32_t pid;
};

struct scan_list_file {
	uint64_t ino;
	uint32_t dev, generation;
	uint64_t labels;
	char *path;          /* the name it was seen by last */
	uint64_t touched_ns; /* last labelled byte in or out; CLOCK_BOOTTIME, likewise below */
	uint64_t written_ns;
	uint64_t read_ns;
	struct scan_reader readers[SCAN_LIST_MAX_READERS]; /* since it left last */
	size_t n_readers;
	uint64_t rest_ns;  /* not to be looked at before: a large one that changes all the time */
	bool is_received;  /* has no class; labels say whom it came from */
	uint64_t writer;   /* app that wrote it last, 0: unknown */
	bool is_passed_on; /* another app has read it than the one that wrote it */
	bool is_dirty;     /* written since it was looked at */
	bool has_left;     /* to be looked at as soon as may be */
	bool was_dirty, had_left; /* what scan_list_next() took off */
	bool is_known;            /* version is what was looked at last */
	bool is_told;             /* something was ever reported of it */
	struct scan_version version;
	uint64_t known_ns;
	struct event *found; /* what is to be told of version once it has left; NULL: nothing */
	TAILQ_ENTRY(scan_list_file) order;
};

struct scan_list;

/* Takes over what is to be told of a file later. At most SCAN_LIST_MAX_KEPT fingerprints are kept
 * of all files; beyond that the file counts as not known. */
#define SCAN_LIST_MAX_KEPT 131072
void scan_list_keep(struct scan_list *list, struct scan_list_file *file, struct event *found);
/* Hands it out, or NULL. */
struct event *scan_list_take(struct scan_list *list, struct scan_list_file *file);

int scan_list_new(struct scan_list **ret_list);
void scan_list_free(struct scan_list *list);

/* A labelled file as a flow shows it: identity, labels, path, touched_ns, is_received. 0 or
 * -ENOMEM. */
int scan_list_note(struct scan_list *list, const struct scan_list_file *seen, bool is_write,
		   const struct scan_reader *by);

/* The app has sent labelled data out: what it has read has left. */
void scan_list_leave(struct scan_list *list, uint64_t app_id);

/* So it has, but what it has read may be noted behind it: it counts from the next
 * scan_list_leave_all() on. */
void scan_list_note_sender(struct scan_list *list, uint64_t app_id);
void scan_list_leave_all(struct scan_list *list);

/* Customer data was seen with these labels of peers. */
void scan_list_meet(struct scan_list *list, uint64_t origins);

/* The next file to look at now, or NULL: one that has left, else the one whose last write is the
 * oldest of those before quiet_since_ns. Its marks are taken off. */
struct scan_list_file *scan_list_next(struct scan_list *list, uint64_t now_ns,
				      uint64_t quiet_since_ns);

/* The file was opened, or could not be. Of one that had left, who has read it counts anew; who has
 * read one that was only quiet may still send it. */
void scan_list_end_look(struct scan_list_file *file);

/* The file of an identity, or NULL. */
struct scan_list_file *scan_list_find(struct scan_list *list, uint32_t dev, uint64_t ino,
				      uint32_t generation);

/* What gave way at a limit, and was to be read or might be yet. */
struct scan_list_forgotten {
	uint64_t files;
	uint64_t readers; /* of files that are known */
	uint64_t senders; /* what they have read has left unnoticed */
};

struct scan_list_forgotten scan_list_forgotten(const struct scan_list *list);

#endif
