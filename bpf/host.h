/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

/*
 * Which host the first bytes of a connection are for: the server name of a TLS ClientHello, the
 * target of an HTTP CONNECT, the Host of an HTTP request. Whoever writes them says so: it names, it
 * does not decide. The bytes belong to somebody else and are read as they come: in the kernel side
 * from user memory, elsewhere (HOST_READ defined before) from a buffer. Nothing outside of them is
 * looked at.
 */

#ifdef __bpf__
#include "kernel.h"

#include <bpf/bpf_helpers.h>

/* Of the user's memory or of a table (bpf_probe_read_compat(), kernel/trace/bpf_trace.c). */
#define HOST_READ(to, address) bpf_probe_read(&(to), sizeof(to), (const void *)(address))
#define HOST_FUNCTION __noinline /* not static: verified once, see name_hash() */
#define HOST_INLINE static __always_inline
#else
#include <stdbool.h>

#define HOST_FUNCTION static inline
#define HOST_INLINE static inline
#endif

#include "abi.h"
#include "greeting.h"

#define HOST_NAME_BYTES 253      /* RFC 1035 2.3.4, as text */
#define HOST_AUTHORITY_BYTES 264 /* with who asks, and a port; what is longer names nobody */
#define HOST_METHOD_BYTES_MIN 3
#define HOST_SCHEME_END 24
#define HOST_BLANKS_MAX 8
#define HOST_EXTENSIONS_MAX 64
#define HOST_BYTES_MAX 16389 /* a TLS record, RFC 8446 5.1 */

/* RFC 8446 4, RFC 6066 3, RFC 9849 5 */
#define HOST_TLS_SERVER_NAME 0
#define HOST_TLS_ENCRYPTED_HELLO 0xfe0d
#define HOST_TLS_RANDOM_END 43 /* record 5, handshake 4, version 2, random 32 */

/* Two places in one number; 0: none. */
#define HOST_PAIR(high, low) ((__u64)(high) << 32 | (low))

#define HOST_PAIR16(high, low) ((__u32)(high) << 8 | (low))

HOST_INLINE __u32 host_read8(__u64 address, __u32 at)
{
	__u8 value = 0;

	HOST_READ(value, address + at);
	return value;
}

HOST_INLINE __u32 host_read16(__u64 address, __u32 at)
{
	return host_read8(address, at) << 8 | host_read8(address, at + 1);
}

/* Of a ClientHello that starts here: where its extensions are, as far as they are here, and the end
 * of them. */
HOST_FUNCTION __u64 host_find_extensions(__u64 address, __u32 bytes)
{
	__u32 at = HOST_TLS_RANDOM_END, end = bytes, length;

	if (bytes < HOST_TLS_RANDOM_END + 1 || host_read8(address, 0) != GREETING_TLS_HANDSHAKE ||
	    host_read8(address, 1) != GREETING_TLS_VERSION ||
	    host_read8(address, 5) != GREETING_TLS_CLIENT_HELLO)
		return 0;
	length = host_read16(address, 3) + 5;
	if (length < end)
		end = length;
	at += 1 + host_read8(address, at); /* session */
	if (at + 2 > end)
		return 0;
	at += 2 + host_read16(address, at); /* cipher suites */
	if (at + 1 > end)
		return 0;
	at += 1 + host_read8(address, at); /* compression */
	if (at + 2 > end)
		return 0;
	length = host_read16(address, at);
	at += 2;
	if (at + length < end)
		end = at + length;
	return HOST_PAIR(at, end);
}

/* Where the content of an extension is, and its length. */
HOST_FUNCTION __u64 host_find_extension(__u64 address, __u32 at, __u32 end, __u32 type)
{
	__u32 i, length;

	for (i = 0; i < HOST_EXTENSIONS_MAX; i++) {
		if (at + 4 > end)
			break;
		length = host_read16(address, at + 2);
		if (at + 4 + length > end)
			break;
		if (host_read16(address, at) == type)
			return HOST_PAIR(at + 4, length);
		at += 4 + length;
	}
	return 0;
}

/* Where the name is, and its length. */
HOST_FUNCTION __u64 host_find_tls(__u64 address, __u32 bytes)
{
	__u64 found = host_find_extensions(address, bytes);
	__u32 at, length, name_bytes;

	if (!found)
		return 0;
	found = host_find_extension(address, found >> 32, (__u32)found, HOST_TLS_SERVER_NAME);
	at = found >> 32;
	length = (__u32)found;
	/* The length of the list, then of each name its type, its length and itself: there is one.
	 */
	if (length < 6 || host_read8(address, at + 2) != 0)
		return 0;
	name_bytes = host_read16(address, at + 3);
	if (!name_bytes || name_bytes > HOST_NAME_BYTES || name_bytes + 5 > length)
		return 0;
	return HOST_PAIR(at + 5, name_bytes);
}

/* Whether the hello hides another one, whose server may be another: then the name is a front, or
 * the client only pretends (RFC 9849 6.2). */
HOST_FUNCTION __u32 host_has_encrypted_hello(__u64 address, __u32 bytes)
{
	__u64 found = host_find_extensions(address, bytes);

	return found &&
	       host_find_extension(address, found >> 32, (__u32)found, HOST_TLS_ENCRYPTED_HELLO);
}

HOST_INLINE bool host_is_blank(__u32 letter)
{
	return letter == ' ' || letter == '\t';
}

/* RFC 3986 3.2 */
HOST_INLINE bool host_ends_authority(__u32 letter)
{
	const __u64 ends = ((2ull << ' ') - 1) | 1ull << '/' | 1ull << '?' | 1ull << '#';

	/* One branch for all of them: each costs the verifier a path a letter. */
	return letter < 64 && ends >> letter & 1;
}

HOST_INLINE __u64 host_pair_name(__u32 at, __u32 end)
{
	__u32 length = end - at;

	return length && length <= HOST_NAME_BYTES ? HOST_PAIR(at, length) : 0;
}

/* Where the name is in an authority that starts here, and its length: behind whoever asks, whose
 * name and password are nobody else's business, and before the port. */
HOST_FUNCTION __u64 host_find_name(__u64 address, __u32 at, __u32 bytes)
{
	/* In memory, where the verifier does not tell one from another: up to 6.1 it would follow
	 * each place of a '@' with each of a ':'. */
	volatile __u32 name = at, port = at;
	__u32 i, letter;

	for (i = 0; i < HOST_AUTHORITY_BYTES; i++) {
		if (at + i >= bytes)
			break; /* it may go on */
		letter = host_read8(address, at + i);
		if (letter > '@')
			continue;
		if (letter == '@')
			name = at + i + 1;
		else if (letter == ':')
			port = at + i;
		else if (host_ends_authority(letter))
			return host_pair_name(name, port > name ? port : at + i);
	}
	return 0;
}

/* A line that begins with "Host:" in any case, RFC 9110 7.2. Where what follows is. */
HOST_FUNCTION __u32 host_find_header(__u64 address, __u32 bytes)
{
	__u64 window = 0;
	__u32 i;

	for (i = 0; i < GREETING_REQUEST_BYTES; i++) {
		if (i >= bytes)
			break;
		window = window << 8 | host_read8(address, i);
		if ((window & GREETING_HOST_MASK) == GREETING_HOST)
			return i + 1;
	}
	return 0;
}

/* The first four letters of a request, RFC 9110 9 and RFC 5789. */
HOST_FUNCTION __u32 host_read_method(__u64 address, __u32 bytes)
{
	if (bytes < GREETING_BYTES_MIN)
		return 0;
	return host_read16(address, 0) << 16 | host_read16(address, 2);
}

/* A target that names its host goes before the Host, RFC 9112 3.2.2, whatever its scheme is:
 * proxies are asked like that. Where what follows the scheme is. */
HOST_FUNCTION __u32 host_find_target(__u64 address, __u32 bytes)
{
	bool is_target = false;
	__u32 i, letter;

	for (i = HOST_METHOD_BYTES_MIN; i < HOST_SCHEME_END; i++) {
		if (i + 3 > bytes)
			break;
		letter = host_read8(address, i);
		if (host_is_blank(letter))
			is_target = true;
		else if (is_target && letter == ':')
			return host_read16(address, i + 1) == HOST_PAIR16('/', '/') ? i + 3 : 0;
		else if (is_target && host_ends_authority(letter))
			break;
	}
	return 0;
}

/* Servers are patient with several, RFC 9112 3. */
HOST_FUNCTION __u32 host_skip_blanks(__u64 address, __u32 at, __u32 bytes)
{
	__u32 i;

	for (i = 0; i < HOST_BLANKS_MAX; i++) {
		if (at >= bytes || !host_is_blank(host_read8(address, at)))
			break;
		at++;
	}
	return at;
}

HOST_FUNCTION __u64 host_find_http(__u64 address, __u32 bytes, __u32 method)
{
	__u32 at;

	if (method == GREETING_CONNECT)
		at = 8; /* "CONNECT " */
	else
		at = host_find_target(address, bytes);
	if (!at)
		at = host_find_header(address, bytes);
	if (!at)
		return 0;
	at = host_skip_blanks(address, at, bytes);
	return host_find_name(address, at, bytes);
}

/* Where the name is, and its length; says in source, an enum weir_host_source, who named it. */
HOST_INLINE __u64 host_find(__u64 address, __u32 bytes, __u32 *ret_source)
{
	__u32 method = host_read_method(address, bytes);

	if (method >> 24 == GREETING_TLS_HANDSHAKE) {
		*ret_source = host_has_encrypted_hello(address, bytes) ? WEIR_HOST_TLS_FRONT
								       : WEIR_HOST_TLS;
		return host_find_tls(address, bytes);
	}
	if (method != GREETING_CONNECT && !greeting_is_request(method))
		return 0;
	*ret_source = method == GREETING_CONNECT ? WEIR_HOST_CONNECT : WEIR_HOST_HTTP;
	return host_find_http(address, bytes, method);
}

/* Whether these bytes may be the beginning of a greeting whose rest is still to come, as far as it
 * can be told before a host was looked for. */
HOST_FUNCTION __u32 host_is_cut(__u64 address, __u32 bytes)
{
	__u32 first;

	if (!bytes)
		return 0;
	first = host_read8(address, 0);
	if (first != GREETING_TLS_HANDSHAKE)
		return bytes < GREETING_BYTES_MIN && first >= 'A' && first <= 'Z';
	if (bytes < 5)
		return bytes == 1 || host_read8(address, 1) == 3;
	return host_read8(address, 1) == 3 && bytes < 5 + host_read16(address, 3);
}

/* Whether a request that names no host here may do so in what is still to come. */
HOST_FUNCTION __u32 host_is_cut_request(__u64 address, __u32 bytes)
{
	const __u32 end = HOST_PAIR16('\r', '\n');

	return bytes >= GREETING_BYTES_MIN && bytes < GREETING_REQUEST_BYTES &&
	       (host_read16(address, bytes - 4) != end || host_read16(address, bytes - 2) != end);
}

#endif
