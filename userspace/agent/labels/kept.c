/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/labels/kept.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct kept {
	void *tree; /* of struct kept_file */
	size_t n_files, max_files;
};

static int compare(const void *a, const void *b)
{
	const struct kept_file *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return memcmp(&x->file_system, &y->file_system, sizeof(x->file_system));
}

int kept_new(size_t max_files, struct kept **ret_kept)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	kept->max_files = max_files;
	*ret_kept = kept;
	return 0;
}

void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	tdestroy(kept->tree, free);
	free(kept);
}

static int add_file(struct kept *kept, const struct kept_file *file)
{
	struct kept_file *made;

	if (kept->n_files >= kept->max_files)
		return -ENOSPC;
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = *file;
	if (!tsearch(made, &kept->tree, compare)) {
		free(made);
		return -ENOMEM;
	}
	kept->n_files++;
	return 1;
}

static struct kept_file *find(const struct kept *kept, const struct kept_file *file)
{
	struct kept_file **slot = tfind(file, &kept->tree, compare);

	return slot ? *slot : NULL;
}

int kept_put(struct kept *kept, const struct kept_file *file)
{
	struct kept_file *known = find(kept, file);

	if (!known)
		return add_file(kept, file);
	if ((file->labels & ~known->labels) == 0)
		return 0;
	known->labels |= file->labels;
	known->is_source |= file->is_source;
	return 1;
}

bool kept_has(const struct kept *kept, const struct kept_file *file)
{
	const struct kept_file *known = find(kept, file);

	return known && (file->labels & ~known->labels) == 0;
}

size_t kept_size(const struct kept *kept)
{
	return kept->n_files;
}

struct gathering {
	const struct file_system_id *file_system;
	struct kept_file **files;
	size_t n;
};

static void gather(const void *node, VISIT which, void *closure)
{
	struct kept_file *file = *(struct kept_file *const *)node;
	struct gathering *gathering = closure;

	if ((which == postorder || which == leaf) &&
	    (!gathering->file_system ||
	     file_system_is_same(gathering->file_system, &file->file_system)))
		gathering->files[gathering->n++] = file;
}

int kept_visit(struct kept *kept, const struct file_system_id *file_system,
	       bool (*visit)(void *userdata, const struct kept_file *file), void *userdata)
{
	_cleanup_free_ struct kept_file **files =
		calloc(kept->n_files + 1, sizeof(struct kept_file *));
	struct gathering gathering = {.file_system = file_system, .files = files};
	int dropped = 0;

	if (!files)
		return -ENOMEM;
	twalk_r(kept->tree, gather, &gathering);
	for (size_t i = 0; i < gathering.n; i++) {
		if (visit(userdata, files[i]))
			continue;
		tdelete(files[i], &kept->tree, compare);
		free(files[i]);
		kept->n_files--;
		dropped++;
	}
	return dropped;
}
