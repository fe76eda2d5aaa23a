/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_TERMINAL_BPF_H
#define WEIR_HOOKS_TERMINAL_BPF_H

/*
 * What is pasted into a pseudo-terminal, and the text that a program hands to its terminal for the
 * clipboard (OSC 52 of xterm's ctlseqs). All else that a pseudo-terminal is told and tells is what
 * a person types and sees: the label stays with those who write it. A paste is a write of some
 * length by a terminal's program, as that of tmux, screen or xterm is, which has the data itself.
 * On the consoles the kernel itself selects and pastes: see console.bpf.h.
 *
 * Labels lie on the one direction of the one pty for as many bytes as were written, because what is
 * typed later is read from there, too. Functions that take numbers are not static: they are
 * verified once, see name_hash().
 */

#include "../call.bpf.h"
#include "../kernel_tty.h"
#include "../user_message.h"

#define TERMINAL_PASTE_BYTES 64               /* nobody types so much at once */
#define TERMINAL_KEPT_NS (60 * 1000000000ull) /* what nobody has read by then was thrown away */
#define TERMINAL_OSC52 0x3b32355d1bull        /* "\033]52;", as a little-endian word */
#define TERMINAL_OSC52_BYTES 5
#define TERMINAL_MASTER (5u << 20 | 2) /* /dev/ptmx; Documentation/admin-guide/devices.txt */
/* Of an object's ino. */
#define TERMINAL_OUTPUT 1  /* from the program to its terminal */
#define TERMINAL_CONSOLE 2 /* a virtual one: what is output is its screen */
#define TERMINAL_SCREEN (TERMINAL_OUTPUT | TERMINAL_CONSOLE)

static __always_inline bool terminal_is_device(__u32 dev)
{
	__u32 major = dev >> 20;

	return major == 5 || (major == 4 && (dev & 0xfffff) < 64) || (major >= 136 && major <= 143);
}

/* The ino of its screen; 0: it is no virtual console. They are numbered from 1 on, serial lines of
 * the same major from 64 on (vty_init(), drivers/tty/vt/vt.c). */
static __always_inline __u64 terminal_screen(struct tty_struct *tty)
{
	if (BPF_CORE_READ(tty, driver, major) != 4 || BPF_CORE_READ(tty, driver, minor_start) != 1)
		return 0;
	return object_mix(1, (__u64)tty) | TERMINAL_SCREEN;
}

/* The ino of the object that is written, or read, at this end; 0: it is no such terminal. */
__noinline __u64 terminal_key(__u64 inode_address, __u64 private_address, __u32 is_written)
{
	struct tty_file_private *private = (struct tty_file_private *)private_address;
	struct inode *inode = (struct inode *)inode_address;
	struct tty_struct *tty, *link;
	__u32 dev, is_master;
	__u64 screen;

	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFCHR)
		return 0;
	dev = BPF_CORE_READ(inode, i_rdev);
	if (!terminal_is_device(dev))
		return 0;
	is_master = dev == TERMINAL_MASTER;
	tty = BPF_CORE_READ(private, tty);
	link = BPF_CORE_READ(tty, link);
	if (link)
		return (object_mix(1, (__u64)(is_master ? link : tty)) & ~(__u64)TERMINAL_SCREEN) |
		       (is_master != is_written);
	screen = terminal_screen(tty);
	return is_written ? screen : screen & ~(__u64)TERMINAL_OUTPUT;
}

static __always_inline __u64 terminal_key_of_file(struct file *file, bool is_written)
{
	return terminal_key((__u64)BPF_CORE_READ(file, f_inode),
			    (__u64)BPF_CORE_READ(file, private_data), is_written);
}

static __always_inline enum weir_kind terminal_kind(__u64 ino)
{
	if (ino & TERMINAL_CONSOLE)
		return WEIR_KIND_CONSOLE;
	return ino & TERMINAL_OUTPUT ? WEIR_KIND_CLIPBOARD : WEIR_KIND_TERMINAL;
}

static __always_inline bool terminal_find(int fd, bool is_written, struct object *ret_object)
{
	struct file *file = object_file_of_fd(fd);

	if (!file)
		return false;
	ret_object->key.ino = terminal_key_of_file(file, is_written);
	ret_object->key.dev = WEIR_DEV_TERMINAL;
	ret_object->kind = terminal_kind(ret_object->key.ino);
	return ret_object->key.ino;
}

/* Bytes that a write asks for. */
static __always_inline __u64 terminal_count(__u64 address, __u64 count, __u32 how)
{
	__u32 word_bytes = how & USER_BUFFERS_COMPAT ? sizeof(__u32) : sizeof(__u64);

	if (USER_BUFFERS_FORM(how) != WEIR_FORM_IOVEC)
		return count;
	return call_sum_many_lengths(address + word_bytes, count, 2 * word_bytes);
}

static __always_inline bool terminal_is_paste(const struct object *object, __u64 bytes,
					      __u64 address, __u32 how)
{
	__u64 start = 0;

	if (object->kind == WEIR_KIND_CONSOLE)
		return true;
	if (object->kind == WEIR_KIND_TERMINAL)
		return bytes >= TERMINAL_PASTE_BYTES;
	address = user_first_buffer(address, how);
	bpf_probe_read_user(&start, TERMINAL_OSC52_BYTES, (const void *)address);
	return start == TERMINAL_OSC52;
}

/* What was pasted there and is not read yet, or NULL. */
static __always_inline struct terminal *terminal_get_waiting(__u64 ino)
{
	struct terminal *waiting = bpf_map_lookup_elem(&terminals, &ino);

	if (!waiting || !waiting->bytes ||
	    waiting->written_ns + TERMINAL_KEPT_NS < bpf_ktime_get_boot_ns())
		return NULL;
	return waiting;
}

static __always_inline struct weir_app *terminal_get_app(void)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);

	return app && app->labels && !app->is_hub ? app : NULL;
}

static __always_inline void terminal_expect(__u64 ino, __u64 bytes, __u64 screen)
{
	struct terminal *waiting = terminal_get_waiting(ino);
	struct terminal made = {
		.bytes = bytes, .written_ns = bpf_ktime_get_boot_ns(), .screen = screen};

	if (waiting)
		made.bytes += waiting->bytes;
	LRU_SET(terminals, WEIR_LRU_TERMINALS, &ino, &made);
}

/* The running app is about to write. What it writes behind a paste goes with it. */
__noinline int terminal_give(int fd, __u64 address, __u64 count, __u32 how)
{
	struct weir_app *app = terminal_get_app();
	struct object object = {};
	__u64 bytes;

	if (!app || !terminal_find(fd, true, &object))
		return 0;
	bytes = terminal_count(address, count, how);
	if (!terminal_is_paste(&object, bytes, address, how) &&
	    !terminal_get_waiting(object.key.ino))
		return 0;
	label_resting(&object, app);
	terminal_expect(object.key.ino, bytes, 0);
	return 0;
}

/* And has written so much of it. */
__noinline int terminal_given(int fd, __u64 address, __u64 count, __u32 how, __u64 result)
{
	struct transfer transfer = {.bytes = result, .direction = WEIR_OUT};
	struct weir_app *app = terminal_get_app();
	struct object object = {};
	struct terminal *waiting;
	__u64 left;

	if (!app || !terminal_find(fd, true, &object))
		return 0;
	left = terminal_count(address, count, how);
	waiting = terminal_get_waiting(object.key.ino);
	if (!waiting && !terminal_is_paste(&object, left, address, how))
		return 0;
	left -= result;
	if (waiting)
		waiting->bytes -= left < waiting->bytes ? left : waiting->bytes;
	if (!result)
		return 0;
	transfer.labels = app->labels;
	transfer.hops = app->hops;
	flow_add(app, &object, &transfer);
	return 0;
}

/* The running app has read. */
__noinline int terminal_take(int fd, __u64 bytes)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);
	struct object object = {};
	struct terminal *waiting;

	if (!app || !terminal_find(fd, false, &object))
		return 0;
	waiting = terminal_get_waiting(object.key.ino);
	if (!waiting)
		return 0;
	if (bytes > waiting->bytes)
		bytes = waiting->bytes;
	waiting->bytes -= bytes;
	if (waiting->screen)
		object.key.ino = waiting->screen;
	flow_in(app, &object, bytes, NULL, waiting->screen);
	return 0;
}

/* What is read at this end may be labelled: found by a walk. */
static __always_inline struct weir_object *terminal_get_known(struct file *file)
{
	struct weir_object_key key = {.dev = WEIR_DEV_TERMINAL};

	key.ino = terminal_key_of_file(file, false);
	if (key.ino & TERMINAL_CONSOLE)
		key.ino |= TERMINAL_OUTPUT;
	return key.ino ? bpf_map_lookup_elem(&objects, &key) : NULL;
}

#endif
