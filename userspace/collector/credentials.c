/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/credentials.h"

#include "base/cleanup.h"

void credentials_done(struct credentials *credentials)
{
	free(credentials->authority);
	free(credentials->certificate);
	free(credentials->key);
	*credentials = (struct credentials){};
}

static char *path_of(const char *dir, const char *below, const char *name)
{
	char *path;

	return asprintf(&path, "%s%s/%s", dir, below, name) < 0 ? NULL : path;
}

int credentials_init(struct credentials *credentials, const char *identity_dir,
		     const char *data_dir)
{
	const char *dir = identity_dir ? identity_dir : data_dir;
	const char *below = identity_dir ? "" : "/identity";
	struct credentials made = {
		.authority = path_of(dir, below, "ca.crt"),
		.certificate = path_of(dir, below, "collector.crt"),
		.key = path_of(dir, below, "collector.key"),
	};

	if (!made.authority || !made.certificate || !made.key) {
		credentials_done(&made);
		return -ENOMEM;
	}
	*credentials = made;
	return 0;
}
