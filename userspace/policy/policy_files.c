/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "policy/policy_parse.h"
#include "policy/policy_problems.h"

static int add_file(struct policy_draft *draft, const char *path, const char **ret_path)
{
	char **file = policy_model_add(&draft->files, &draft->n_files, sizeof(*file));

	if (!file)
		return -ENOMEM;
	*file = strdup(path);
	if (!*file) {
		draft->n_files--;
		return -ENOMEM;
	}
	*ret_path = *file;
	return 0;
}

static int keep_bytes(struct policy_draft *draft, const char *text, size_t size)
{
	char *grown = realloc(draft->bytes, draft->n_bytes + size + 1);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + draft->n_bytes, text, size);
	/* Keeps two files apart from one that holds both. */
	grown[draft->n_bytes + size] = '\0';
	draft->bytes = grown;
	draft->n_bytes += size + 1;
	return 0;
}

static int parse_file(struct policy_draft *draft, const char *path,
		      struct policy_problems *problems)
{
	_cleanup_free_ char *text = NULL;
	const char *file;
	size_t size;
	int error;

	error = add_file(draft, path, &file);
	if (error < 0)
		return error;
	error = file_read_all(path, POLICY_MAX_FILE_BYTES, &text, &size);
	if (error == -EFBIG) {
		if (policy_problems_add(problems, file, 0, "larger than %u bytes",
					POLICY_MAX_FILE_BYTES) < 0)
			return -ENOMEM;
		return error;
	}
	if (error < 0) {
		if (policy_problems_add(problems, file, 0, "cannot be read: %s", strerror(-error)) <
		    0)
			return -ENOMEM;
		return error;
	}
	error = keep_bytes(draft, text, size);
	if (error < 0)
		return error;
	return policy_parse_text(draft, file, text, size, problems);
}

static int is_drop_in(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && size > 5 && !strcmp(entry->d_name + size - 5, ".conf");
}

/* Name order by bytes: the same on every machine, whatever its locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int parse_drop_ins(struct policy_draft *draft, struct policy_problems *problems)
{
	_cleanup_free_ char *folder = NULL;
	struct dirent **entries;
	int n, error = 0;

	if (asprintf(&folder, "%s/policy.d", draft->folder) < 0)
		return -ENOMEM;
	n = scandir(folder, &entries, is_drop_in, compare_names);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return policy_problems_add(problems, folder, 0, "cannot be read: %s",
					   strerror(errno));
	if (n >= POLICY_MAX_FILES)
		error = policy_problems_add(problems, folder, 0, "%d drop-ins; at most %d are read",
					    n, POLICY_MAX_FILES - 1);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (i < POLICY_MAX_FILES - 1 && error != -ENOMEM) {
			error = asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0 ? -ENOMEM
											 : 0;
			if (!error)
				error = parse_file(draft, path, problems);
		}
		free(entries[i]);
	}
	free(entries);
	/* Other errors are problems by now. */
	return error == -ENOMEM ? error : 0;
}

int policy_files_read(struct policy_draft *draft, const char *path,
		      struct policy_problems *problems)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	int error;

	if (!real) {
		error = errno == ENOMEM ? -ENOMEM : -errno;
		if (policy_problems_add(problems, path, 0, "cannot be read: %s", strerror(-error)) <
		    0)
			return -ENOMEM;
		return error;
	}
	/* A link to a policy elsewhere brings the folder of what it names along. */
	draft->folder = strdup(dirname(real));
	if (!draft->folder)
		return -ENOMEM;
	error = parse_file(draft, path, problems);
	if (error < 0)
		return error;
	return parse_drop_ins(draft, problems);
}
