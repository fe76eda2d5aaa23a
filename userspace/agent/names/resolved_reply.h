/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_RESOLVED_REPLY_H
#define WEIR_AGENT_NAMES_RESOLVED_REPLY_H

/*
 * What systemd-resolved says of one query that it has answered, as a reply of its varlink interface
 * io.systemd.Resolve.Monitor: JSON without the byte 0 behind it. Names are what anybody may have
 * asked for.
 */

#include <stddef.h>

#include "agent/names/answer.h"

/* 0, without addresses where there was none, or something else was asked; -EBADMSG: no reply. */
int resolved_reply_parse(const char *text, size_t size, struct answer *ret_answer);

#endif
