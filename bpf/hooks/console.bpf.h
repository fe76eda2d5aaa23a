/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_CONSOLE_BPF_H
#define WEIR_HOOKS_CONSOLE_BPF_H

/*
 * The selection of the virtual consoles. The kernel takes it off a screen, keeps it and types it
 * in again, when whoever watches the mouse tells it to (GPM; TIOCLINUX, ioctl_console(2)): no data
 * goes through that program. What a labelled program has shown is on the screen, among other
 * things; so a selection of it has the label, and how many of its bytes those are is estimated.
 *
 * Looked at at entry: what is typed in can be read before the call returns.
 */

#include "terminal.bpf.h"

#define CONSOLE_SHOWN_NS (3600 * 1000000000ull) /* then it has been scrolled off, or cleared */
#define CONSOLE_ASK 0x541c                      /* TIOCLINUX; include/uapi/linux/tiocl.h: */
#define CONSOLE_ASK_SELECT 2
#define CONSOLE_ASK_PASTE 3

/* Places begin with 1. */
struct console_range {
	__u16 first_column, first_row, last_column, last_row;
	__u16 mode; /* 0: characters, 1: words, 2: lines; other ones select nothing */
};

#define CONSOLE_MODES 3

static __always_inline struct console_selection *console_get_selection(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&console_selections, &zero);
}

static __always_inline bool console_has_shown(__u64 screen)
{
	struct terminal *shown = bpf_map_lookup_elem(&terminals, &screen);

	return shown && shown->written_ns + CONSOLE_SHOWN_NS > bpf_ktime_get_boot_ns();
}

/* In cells. One of words or lines is widened to whole ones, at both ends. */
static __always_inline __u64 console_measure(const struct console_range *range, __u32 columns)
{
	__u32 from = range->first_row * columns + range->first_column;
	__u32 to = range->last_row * columns + range->last_column;
	__u32 cells = from < to ? to - from : from - to;

	return cells + (range->mode ? 2 * columns : 1);
}

static __always_inline void console_select(struct tty_struct *tty, __u64 screen, __u64 address)
{
	struct console_selection *selection = console_get_selection();
	struct console_range range = {};

	bpf_probe_read_user(&range, sizeof(range), (const void *)address);
	if (!selection || range.mode >= CONSOLE_MODES)
		return;
	selection->screen = console_has_shown(screen) ? screen : 0;
	selection->bytes = console_measure(&range, BPF_CORE_READ(tty, winsize.ws_col));
}

/* Who has the console open is watched from the next walk on, and everybody until then. */
static __always_inline void console_label(__u64 screen, const struct weir_object *from)
{
	struct object object = {.key = {.ino = screen, .dev = WEIR_DEV_TERMINAL},
				.kind = WEIR_KIND_CONSOLE};
	struct weir_object *known = bpf_map_lookup_elem(&objects, &object.key);

	if (!known)
		known = label_make_object(&object, from->labels, from->hops);
	if (!known)
		return;
	known->labels |= from->labels;
	label_count_change();
	label_mark_volatile(&object.key);
}

static __always_inline void console_paste(__u64 screen)
{
	struct console_selection *selection = console_get_selection();
	struct weir_object_key key = {.dev = WEIR_DEV_TERMINAL};
	struct weir_object *from;

	if (!selection || !selection->screen)
		return;
	key.ino = selection->screen;
	from = bpf_map_lookup_elem(&objects, &key);
	if (!from)
		return;
	if (screen != key.ino)
		console_label(screen, from);
	terminal_expect(screen & ~(__u64)TERMINAL_OUTPUT, selection->bytes, key.ino);
}

/* Somebody asks a console for something. Not static: verified once, see name_hash(). */
__noinline int console_ask(int fd, __u64 address)
{
	struct weir_state *gate = state_get();
	struct tty_file_private *private;
	struct tty_struct *tty;
	struct file *file;
	__u64 screen;
	__u8 what = 0;

	if (!gate || !gate->volatile_objects)
		return 0;
	file = object_file_of_fd(fd);
	if (!file || !(terminal_key_of_file(file, true) & TERMINAL_CONSOLE))
		return 0;
	private = BPF_CORE_READ(file, private_data);
	tty = BPF_CORE_READ(private, tty);
	screen = terminal_screen(tty);
	bpf_probe_read_user(&what, sizeof(what), (const void *)address);
	if (what == CONSOLE_ASK_SELECT)
		console_select(tty, screen, address + sizeof(what));
	else if (what == CONSOLE_ASK_PASTE)
		console_paste(screen);
	return 0;
}

#endif
