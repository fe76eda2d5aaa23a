/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_CHANNEL_H
#define WEIR_COLLECTOR_CORRELATE_CHANNEL_H

/*
 * How labelled data left: by what protocol, where a port or the program says it, else by what
 * the policy or the name of the host says of the place. It describes and decides nothing.
 */

struct lineage;
struct lineage_flow;

/*
 * Of an egress of the lineage. "dns", "ssh", "scp", "sftp", "rsync", "git", "ftp", "smtp",
 * "mail", "smb", "nfs", "web", "webmail", "im", "cloud", "code", ..., or a kind of [sink]; "tcp"
 * or "udp" when nothing says more, "" of no socket. Lives as long as the flow.
 */
const char *channel_of(const struct lineage *lineage, const struct lineage_flow *flow);

#endif
