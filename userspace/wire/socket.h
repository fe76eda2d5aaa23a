/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_SOCKET_H
#define WEIR_WIRE_SOCKET_H

/* How a TCP connection of Weir behaves: small messages go out at once, a vanished peer is noticed.
 */

void socket_set_tcp_options(int fd);

#endif
