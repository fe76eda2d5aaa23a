/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_TLS_BPF_H
#define WEIR_HOOKS_TLS_BPF_H

/*
 * What labelled apps give to a TLS library, before it is encrypted: at the entry of the library's
 * function it is noted, what the thread then writes to a socket says which connection it is for,
 * and at the return it is known how much was taken and is read for records.
 */

#include "record.bpf.h"

/* Functions that call each other are no further apart on the stack; what is was left without a
 * return, or on another stack. */
#define TLS_NESTED_BYTES (1u << 20)
#define TLS_RETURN_BYTES 8 /* at most so much does a return take off the stack */
#define TLS_NSPR_LOWER 16  /* PRFileDesc.lower of 64-bit programs, nspr/prio.h */

static __always_inline struct tls_call *tls_get_call(void)
{
	__u64 thread = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&tls_calls, &thread);
}

/* Whoever is not labelled pays for this much. */
static __always_inline struct weir_app *tls_get_app(void)
{
	struct weir_state *gate = state_get();
	struct weir_app *app;

	if (!gate || !gate->hot)
		return NULL;
	app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);
	return app && app->labels && !app->is_hub ? app : NULL;
}

/* Whether the call is made by one that is under way: by a layer above the library, or by the
 * library to write what it has encrypted. What the outermost was given is what counts. */
static __always_inline bool tls_is_nested(__u64 stack)
{
	struct tls_call *call = tls_get_call();

	return call && call->stack > stack && call->stack - stack < TLS_NESTED_BYTES;
}

/* The stream of the connection that the call was for, or 0: it is not known yet. */
static __always_inline __u64 tls_open(const struct tls_call *call, __u64 app_id)
{
	struct tls_session session = {.app_id = app_id, .session = call->session};
	const struct weir_object_key *connection = &call->connection;

	if (!connection->ino)
		connection = bpf_map_lookup_elem(&tls_connections, &session);
	if (!connection)
		return 0;
	return record_open(app_id, connection->ino,
			   (__u64)connection->generation << 32 | connection->dev, true);
}

/* There is no room to know what the call is given. */
static __always_inline void tls_lose(const struct tls_call *call, __u64 app_id)
{
	struct weir_record_counts *counts = record_get_counts();
	struct weir_record_stream *stream = record_get_stream(tls_open(call, app_id));

	if (stream)
		stream->is_cut = 1;
	if (counts)
		COUNT(counts->streams_full);
}

static __always_inline int tls_begin(struct pt_regs *regs, __u64 written)
{
	struct tls_call call = {.session = arch_function_arg(regs, 0),
				.buffer = arch_function_arg(regs, 1),
				.bytes = arch_function_arg(regs, 2),
				.written = written,
				.stack = arch_function_stack(regs)};
	__u64 thread = bpf_get_current_pid_tgid();
	struct weir_app *app = tls_get_app();

	if (!app || !call.bytes || tls_is_nested(call.stack))
		return 0;
	if (bpf_map_update_elem(&tls_calls, &thread, &call, BPF_ANY))
		tls_lose(&call, app->id);
	return 0;
}

/* NSPR writes to files and sockets by the functions by which it gives to NSS: that is a layer, and
 * has another one below. */
static __always_inline bool tls_is_layer(struct pt_regs *regs)
{
	__u64 lower = 0;

	bpf_probe_read_user(&lower, sizeof(lower),
			    (const void *)(arch_function_arg(regs, 0) + TLS_NSPR_LOWER));
	return lower != 0;
}

/* Whether what the thread writes to this socket is what a TLS library has encrypted. What the CRM
 * is asked is not read; then what is known of the session is of another one that had its place. */
__noinline int tls_note_connection(__u64 app_id, __u64 ino, __u64 dev_generation, __u32 is_crm)
{
	struct tls_session session = {.app_id = app_id};
	struct tls_call *call = tls_get_call();

	if (!call)
		return false;
	session.session = call->session;
	if (is_crm) {
		LRU_DELETE(tls_connections, WEIR_LRU_TLS_CONNECTIONS, &session);
		return true;
	}
	call->connection.ino = ino;
	call->connection.dev = dev_generation;
	call->connection.generation = dev_generation >> 32;
	LRU_SET(tls_connections, WEIR_LRU_TLS_CONNECTIONS, &session, &call->connection);
	return true;
}

/* The stream of what was written, or 0: it is not to be looked at, or not here. */
static __always_inline __u64 tls_open_stream(struct weir_app *app, const struct object *object,
					     const struct weir_flow *flow)
{
	__u64 dev_generation = (__u64)object->key.generation << 32 | object->key.dev;

	if (flow->kind == WEIR_KIND_INET &&
	    tls_note_connection(app->id, object->key.ino, dev_generation, flow->is_crm))
		return 0;
	if (!record_is_wanted(flow))
		return 0;
	return record_open(app->id, object->key.ino, dev_generation, false);
}

/*
 * Whether more went into the connection than what was read and what TLS adds to that: by a function
 * that is not watched, or while no agent was. What the library has not written yet comes later,
 * which only makes the connection shorter for now.
 */
__noinline int tls_compare(__u64 id, __u64 bytes)
{
	struct weir_record_stream *stream = record_get_stream(id);
	struct weir_flow *flow;
	__u64 extra, most;

	if (!stream)
		return 0;
	flow = bpf_map_lookup_elem(&flows, &stream->flow);
	if (!flow) {
		stream->is_cut = 1;
		return 0;
	}
	extra = flow->bytes - stream->bytes;
	if ((__s64)extra <= stream->extra_bytes)
		return 0;
	most = stream->extra_bytes ?: WEIR_TLS_HANDSHAKE_BYTES;
	most += (bytes / WEIR_TLS_RECORD_BYTES + 1) * WEIR_TLS_EXTRA_BYTES;
	if (extra > most || extra >> 32)
		stream->is_cut = 1;
	stream->extra_bytes = extra;
	return 0;
}

static __always_inline int tls_end(__u64 result, __u64 stack)
{
	__u64 thread = bpf_get_current_pid_tgid(), bytes = 0, stream;
	struct tls_call *call = tls_get_call();
	struct weir_app *app = tls_get_app();

	if (!call || !arch_function_is_over(call->stack, stack))
		return 0;
	if ((__s32)result > 0) /* they return an int, or a number that is no larger than one */
		bytes = (__u32)result;
	if (call->written && bytes)
		bpf_probe_read_user(&bytes, sizeof(bytes), (const void *)call->written);
	if (app && bytes && bytes <= call->bytes && stack - call->stack <= TLS_RETURN_BYTES) {
		stream = tls_open(call, app->id);
		if (stream) {
			record_written(stream, call->buffer, bytes, WEIR_FORM_PLAIN, bytes);
			tls_compare(stream, bytes);
		}
	}
	bpf_map_delete_elem(&tls_calls, &thread);
	return 0;
}

/* Attached by the agent, and gone with it: to libraries that some labelled app has loaded. */
SEC("uprobe")
int tls_enter(struct pt_regs *ctx)
{
	return tls_begin(ctx, 0);
}

/* Of functions that write to their fourth argument how many bytes it were. */
SEC("uprobe")
int tls_enter_counted(struct pt_regs *ctx)
{
	return tls_begin(ctx, arch_function_arg(ctx, 3));
}

SEC("uprobe")
int tls_enter_nspr(struct pt_regs *ctx)
{
	return tls_get_app() && tls_is_layer(ctx) ? tls_begin(ctx, 0) : 0;
}

SEC("uretprobe")
int tls_exit(struct pt_regs *ctx)
{
	return tls_end(arch_function_result(ctx), arch_function_stack(ctx));
}

#endif
