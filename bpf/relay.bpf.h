/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_RELAY_BPF_H
#define WEIR_RELAY_BPF_H

/*
 * Compositors take a selection themselves, out of a pipe of Wayland or a property of Xwayland, to
 * hand it on: between the two, and when who has copied is gone. They are hubs: what they write has
 * no label, but for what goes to a clipboard again. Of that the labels of their app are, which
 * nothing else looks at in a hub. Input methods are hubs that do not: what one program tells them
 * by properties (XIM) is keys and where the cursor is, and what they type into the next one is of
 * who sits there. It would have the labels of whoever was typed into before.
 */

#include "flow.bpf.h"

static __always_inline struct weir_app *relay_get_app(void)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);

	return app && app->is_hub && !app->is_input_method ? app : NULL;
}

static __always_inline struct relay *relay_get(const struct weir_app *app, bool is_made)
{
	__u64 id = app->id;

	if (is_made)
		LRU_ADD(relays, WEIR_LRU_RELAYS, &id, &empty_relay);
	return bpf_map_lookup_elem(&relays, &id);
}

/* The running hub reads from a selection, or begins to, of whose data these are the labels. Not
 * static: verified once, see name_hash(). */
__noinline int relay_take(__u64 selection, __u64 labels, __u32 hops)
{
	struct weir_app *app = relay_get_app();
	struct relay *relay = app ? relay_get(app, labels) : NULL;

	if (!app || !relay)
		return 0;
	if (relay->selection != selection) {
		relay->selection = selection;
		relay->earlier_labels = relay->labels;
		relay->labels = 0;
	}
	if (labels) {
		relay->labels |= labels;
		app->hops = hops;
	}
	app->labels = relay->labels | relay->earlier_labels;
	return 0;
}

#endif
