/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_HOSTS_FILE_H
#define WEIR_AGENT_NAMES_HOSTS_FILE_H

/* The file of hosts, hosts(5): the first name of each address that is not this machine itself. */

#include <netinet/in.h>
#include <stddef.h>

#define HOSTS_FILE_MAX 4096 /* addresses; those that come later in the file are left out */

struct hosts_file;

/* The file may be missing. 0 or -ENOMEM. */
int hosts_file_new(const char *path, struct hosts_file **ret_file);
void hosts_file_free(struct hosts_file *file);
/* When it has changed; what cannot be read holds nothing. */
void hosts_file_reread(struct hosts_file *file);
/* NULL: not in it. Lives until it is read again. */
const char *hosts_file_find(const struct hosts_file *file, const struct in6_addr *address);
size_t hosts_file_count(const struct hosts_file *file);

#endif
