/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SENSOR_GREETING_PARTS_H
#define WEIR_AGENT_SENSOR_GREETING_PARTS_H

/*
 * Whom a greeting by TCP is for, put together from its parts: the server name of a TLS hello, the
 * target of an HTTP CONNECT, the host of a request; read as the kernel side does. Bounded: of too
 * many hellos that are not whole the one that was silent for longest is let go.
 */

#include "agent/sensor/greeting_tap.h"
#include "agent/sensor/sensor.h"

#define GREETING_PARTS_MAX 64     /* hellos under way */
#define GREETING_PARTS_BYTES 8192 /* of a hello that are read */
#define GREETING_HOST_BYTES 254   /* with its NUL */

struct greeting_parts;

struct greeting_name {
	enum sensor_host_source source;
	char host[GREETING_HOST_BYTES]; /* in lower case */
};

int greeting_parts_new(struct greeting_parts **ret_parts);
void greeting_parts_free(struct greeting_parts *parts);

/* Takes a part. Returns 1 when the greeting names a host by now, which a hello does when it is
 * whole, and a request with each part until it is over; 0 when it names none; -EBADMSG when the
 * parts before it are not here, -ENOMEM. */
int greeting_parts_take(struct greeting_parts *parts, const struct greeting_part *part,
			struct greeting_name *ret_name);

#endif
