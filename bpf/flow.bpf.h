/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_FLOW_BPF_H
#define WEIR_FLOW_BPF_H

/*
 * Flows: exact counters of one (app, object, direction). Whoever inserts a flow
 * writes its name and peer and then sets is_ready; everybody only adds.
 */

#include "label.bpf.h"

struct transfer {
	__u64 bytes;
	__u64 labels;
	__u64 turns;
	const struct weir_address *peer; /* of an unconnected datagram, or NULL */
	__u32 direction;
	__u32 hops;
	bool is_crm;
	bool is_estimated;
};

/* The path that the receiving end is bound to, as one part: a connection has that of whoever
 * listens (unix_stream_connect(), net/unix/af_unix.c). */
static __noinline int flow_name_unix(struct sock *sock, __u32 direction, struct weir_name *ret_name)
{
	struct unix_sock *end = (struct unix_sock *)sock;
	struct unix_address *address;
	char first = 0;
	long length;
	__u64 text;

	if (direction == WEIR_OUT)
		end = (struct unix_sock *)BPF_CORE_READ(end, peer);
	address = BPF_CORE_READ(end, addr);
	if (!address)
		return 0;
	text = object_unix_text(address);
	bpf_probe_read_kernel(&first, sizeof(first), (const void *)text);
	if (first != '/')
		return 0;
	length = bpf_probe_read_kernel_str(ret_name->text,
					   sizeof(((struct sockaddr_un *)0)->sun_path),
					   (const void *)(text + 1));
	if (length > 0)
		ret_name->bytes = length;
	return 0;
}

static __always_inline void flow_describe(struct weir_flow *flow, const struct weir_object_key *key,
					  const struct object *object,
					  const struct transfer *transfer)
{
	flow->pid = bpf_get_current_pid_tgid() >> 32;
	flow->hops = transfer->hops;
	flow->kind = object->kind;
	if (object->kind == WEIR_KIND_PIPE && bpf_map_lookup_elem(&pastes, key))
		flow->kind = WEIR_KIND_CLIPBOARD;
	flow->is_crm = transfer->is_crm;
	if (object->kind == WEIR_KIND_INET && object->sock) {
		object_read_peer(object->sock, object->family, &flow->peer);
		if (transfer->peer) {
			__u16 local_port = flow->peer.local_port;
			__u8 protocol = flow->peer.protocol;

			flow->peer = *transfer->peer;
			flow->peer.local_port = local_port;
			flow->peer.protocol = protocol;
		}
	} else if (object->key.dev == WEIR_DEV_LOOPBACK) {
		flow->peer.ip[15] =
			1; /* swapped meanwhile: so much is known, and that it is local */
	} else if (object->kind == WEIR_KIND_UNIX && object->sock) {
		flow_name_unix(object->sock, transfer->direction, &flow->name);
	} else if (object->file && flow->kind != WEIR_KIND_CLIPBOARD) {
		name_read_file(object->file, &flow->name);
	}
	flow->is_ready = 1;
}

static __always_inline void flow_overflow(struct weir_app *app, const struct transfer *transfer)
{
	struct weir_state *gate = state_get();

	if (gate)
		COUNT(gate->losses.flows_full);
	if (!transfer->bytes)
		return;
	if (transfer->direction == WEIR_IN)
		__sync_fetch_and_add(&app->overflow_in_bytes, transfer->bytes);
	else
		__sync_fetch_and_add(&app->overflow_out_bytes, transfer->bytes);
}

static __always_inline __u32 flow_hash_destination(const struct weir_address *peer)
{
	const __u64 *words = (const __u64 *)peer->ip;
	__u64 hash = object_mix(object_mix(object_mix(0, words[0]), words[1]), peer->port);

	return (__u32)hash | 1;
}

/* NULL: the table is full. */
static __always_inline struct weir_flow *flow_add(struct weir_app *app, const struct object *object,
						  const struct transfer *transfer)
{
	struct weir_flow_key key = {
		.app_id = app->id, .object = object->key, .direction = transfer->direction};
	__u64 now_ns = bpf_ktime_get_boot_ns();
	struct weir_flow *flow;
	bool is_new = false;

	if (transfer->peer)
		key.destination = flow_hash_destination(transfer->peer);
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		is_new = !bpf_map_update_elem(&flows, &key, &empty_flow, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(&flows, &key);
	}
	if (!flow) {
		flow_overflow(app, transfer);
		return NULL;
	}
	/* Adding a constant 0 would be compiled to an atomic or, which 5.10 lacks (5.12 has it). */
	if (transfer->bytes)
		__sync_fetch_and_add(&flow->bytes, transfer->bytes);
	COUNT(flow->calls);
	if (transfer->turns)
		__sync_fetch_and_add(&flow->turns, transfer->turns);
	if (transfer->labels & ~flow->labels)
		flow->labels |= transfer->labels;
	if (transfer->is_estimated)
		flow->is_estimated = 1;
	/* A proxy was asked for the CRM, and then for something else. */
	flow->is_crm &= transfer->is_crm;
	flow->last_ns = now_ns;
	if (is_new) {
		flow->first_ns = now_ns;
		flow_describe(flow, &key.object, object, transfer);
		edge_ring(WEIR_EDGE_FLOW, &key, 0);
	}
	return flow;
}

/* Something that is not followed, by its number: said once per app, then only counted. Not static:
 * verified once, see name_hash(). */
__noinline int flow_note_gap(__u64 app_id, __u64 number)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct object object = {.key = {.ino = number, .dev = WEIR_DEV_GAP}};
	struct transfer transfer = {.direction = WEIR_OUT};

	if (!app || !app->labels || app->is_hub)
		return 0;
	transfer.labels = app->labels;
	flow_add(app, &object, &transfer);
	return 0;
}

/*
 * Data went from one app straight to another one. Each has a flow whose object is the other app,
 * which is how the way of the data is found again. Hops are those of the sender.
 */
static __noinline int flow_pass(struct weir_app *from, struct weir_app *to, __u64 bytes,
				__u64 labels, bool is_estimated)
{
	struct transfer transfer = {.bytes = bytes,
				    .labels = labels,
				    .direction = WEIR_OUT,
				    .hops = from->hops,
				    .is_estimated = is_estimated};
	struct object object = {.key = {.ino = to->id, .dev = WEIR_DEV_APP}};

	flow_add(from, &object, &transfer);
	object.key.ino = from->id;
	transfer.direction = WEIR_IN;
	transfer.hops = from->hops + 1;
	flow_add(to, &object, &transfer);
	return 0;
}

/* Between the running app and the memory of another one. */
static __noinline int flow_memory(struct weir_app *app, const struct object *memory, __u64 bytes,
				  __u32 direction, bool is_estimated)
{
	__u64 id = memory->key.ino;
	struct weir_app *other = bpf_map_lookup_elem(&apps, &id);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (!other || id == app->id || other->is_hub || app->is_hub)
		return 0;
	if (direction == WEIR_OUT) {
		if (!app->labels)
			return 0;
		/* Once more: the app may have got its labels meanwhile. */
		label_app_of_exe(other, app->labels, app->hops + 1, memory->exe);
		return flow_pass(app, other, bytes, app->labels, is_estimated);
	}
	if (!other->labels)
		return 0;
	label_app(app, other->labels, other->hops + 1, task);
	return flow_pass(other, app, bytes, other->labels, is_estimated);
}

/* Data came from an object into the app. */
static __always_inline void flow_in(struct weir_app *app, const struct object *object, __u64 bytes,
				    const struct weir_address *peer, bool is_estimated)
{
	struct weir_object *known = bpf_map_lookup_elem(&objects, &object->key);
	struct transfer transfer = {
		.bytes = bytes, .direction = WEIR_IN, .peer = peer, .is_estimated = is_estimated};

	if (!known)
		return;
	transfer.labels = known->labels;
	transfer.hops = known->hops;
	transfer.is_crm = known->is_crm;
	if (known->is_crm && known->last_was_out) {
		known->last_was_out = 0;
		transfer.turns = 1;
	}
	app_open(app);
	label_app(app, known->labels, known->hops + 1,
		  (struct task_struct *)bpf_get_current_task());
	flow_add(app, object, &transfer);
}

/* Data went from the app to an object, which was labelled at entry. NULL: nothing that counts. */
static __always_inline struct weir_flow *flow_out(struct weir_app *app, const struct object *object,
						  __u64 bytes, const struct weir_address *peer,
						  bool is_estimated)
{
	struct weir_object_key key = object->key; /* so that the object itself is in registers */
	struct weir_object *known = bpf_map_lookup_elem(&objects, &key);
	struct transfer transfer = {
		.bytes = bytes, .direction = WEIR_OUT, .peer = peer, .is_estimated = is_estimated};

	if (known && known->is_crm && (!peer || zone_is_crm(peer))) {
		known->last_was_out = WEIR_TURN_OUT ^ known->last_was_out >> 1;
		transfer.is_crm = 1;
		transfer.labels = known->labels;
	} else if (!app->labels || app->is_hub) {
		return NULL;
	} else {
		transfer.labels = app->labels;
	}
	transfer.hops = app->hops;
	return flow_add(app, object, &transfer);
}

#endif
