/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CREDENTIALS_H
#define WEIR_COLLECTOR_CREDENTIALS_H

/* Where the collector's certificate, key and authority are, by their names in an identity folder.
 */

struct credentials {
	char *authority;
	char *certificate;
	char *key;
};

/* identity_dir may be NULL: then DATA_DIR/identity. Returns 0 or -ENOMEM. */
int credentials_init(struct credentials *credentials, const char *identity_dir,
		     const char *data_dir);
void credentials_done(struct credentials *credentials);

#endif
