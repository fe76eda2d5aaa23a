/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_OBJECT_BPF_H
#define WEIR_OBJECT_BPF_H

/*
 * Objects: from a descriptor to the kernel identity of what lies behind it. Data
 * written to a local socket is read from another one, so a local socket stands
 * for its receiving end: both sides arrive at the same key.
 */

#include "kernel_unix.h"
#include "maps.bpf.h"
#include "overlay.bpf.h"
#include "proc.bpf.h"

struct object {
	struct weir_object_key key;
	struct file *file;
	union {
		struct sock *sock;
		struct file *exe; /* of MEMORY: what its app runs */
	};
	__u32 kind;
	__u16 family;
	__u8 is_stacked;  /* its file is on overlayfs, its key that of the file below */
	__u8 is_terminal; /* of KIND_NONE: what is pasted there is looked at */
};

/*
 * Loads through a typed pointer cost less than 1 ns each, a probe read 22 ns. 5.10 has no typed
 * pointer to the running task (5.11 has).
 */
static __always_inline bool object_has_typed_task(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

/* The file behind a descriptor of the running task. */
static __always_inline struct file *object_file_of_fd(int fd)
{
	struct fdtable *table;
	struct file **slots;
	struct file *file = NULL;
	__u32 max_fds;

	if (fd < 0)
		return NULL;
	if (object_has_typed_task()) {
		table = bpf_get_current_task_btf()->files->fdt;
		max_fds = table->max_fds;
		slots = table->fd;
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		table = BPF_CORE_READ(task, files, fdt);
		max_fds = BPF_CORE_READ(table, max_fds);
		slots = BPF_CORE_READ(table, fd);
	}
	if ((__u32)fd >= max_fds)
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &slots[fd]);
	return file;
}

/* From 6.2 on a pointer that was read can be given its type again. */
extern void *bpf_rdonly_cast(void *object, __u32 type_id) __ksym __weak;

#define object_cast(type, pointer) \
	((type *)bpf_rdonly_cast((void *)(pointer), bpf_core_type_id_kernel(type)))

static __always_inline struct inode *object_inode_of_file(struct file *file)
{
	if (bpf_rdonly_cast)
		return object_cast(struct file, file)->f_inode;
	return BPF_CORE_READ(file, f_inode);
}

static __always_inline void object_read_key(struct inode *inode, struct weir_object_key *ret_key)
{
	if (bpf_rdonly_cast) {
		struct inode *typed = object_cast(struct inode, inode);

		ret_key->ino = typed->i_ino;
		ret_key->dev = typed->i_sb->s_dev;
		ret_key->generation = typed->i_generation;
		return;
	}
	ret_key->ino = BPF_CORE_READ(inode, i_ino);
	ret_key->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	ret_key->generation = BPF_CORE_READ(inode, i_generation);
}

/* Not kinds: a regular file of overlayfs, and what may be a pseudo-terminal. */
#define OBJECT_STACKED 255
#define OBJECT_TERMINAL 254

/*
 * Synthetic file systems answer from the kernel: nothing rests there. But one file of procfs is
 * what another process remembers.
 */
static __always_inline __u32 object_kind_of_regular(struct inode *inode)
{
	unsigned long magic;

	if (bpf_rdonly_cast)
		magic = object_cast(struct inode, inode)->i_sb->s_magic;
	else
		magic = BPF_CORE_READ(inode, i_sb, s_magic);
	switch (magic) {
	case PROC_SUPER_MAGIC:
		return WEIR_KIND_MEMORY;
	case OVERLAYFS_SUPER_MAGIC:
		return OBJECT_STACKED;
	case SYSFS_MAGIC:
	case TRACEFS_MAGIC:
	case DEBUGFS_MAGIC:
	case BPF_FS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
		return WEIR_KIND_NONE;
	}
	return WEIR_KIND_FILE;
}

/* Majors 1, 4, 5 and 128 to 143 (Documentation/admin-guide/devices.txt): memory and terminals. But
 * from minor 64 on, major 4 is serial lines. */
static __always_inline __u32 object_kind_of_device(struct inode *inode)
{
	__u32 dev = BPF_CORE_READ(inode, i_rdev), major = dev >> 20;

	if (major == 5 || (major >= 128 && major <= 143) || (major == 4 && (dev & 0xfffff) < 64))
		return OBJECT_TERMINAL;
	return major == 1 ? WEIR_KIND_NONE : WEIR_KIND_DEVICE;
}

static __always_inline __u32 object_kind_of_inode(struct inode *inode)
{
	__u16 mode;

	if (bpf_rdonly_cast)
		mode = object_cast(struct inode, inode)->i_mode;
	else
		mode = BPF_CORE_READ(inode, i_mode);
	switch (mode & S_IFMT) {
	case S_IFREG:
		return object_kind_of_regular(inode);
	case S_IFIFO:
		return WEIR_KIND_PIPE;
	case S_IFSOCK:
		return WEIR_KIND_INET;
	case S_IFBLK:
		return WEIR_KIND_DEVICE;
	case S_IFCHR:
		return object_kind_of_device(inode);
	}
	return WEIR_KIND_NONE; /* anon inodes share one inode and have no type bits */
}

static __always_inline struct sock *object_sock_of_file(struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return socket ? BPF_CORE_READ(socket, sk) : NULL;
}

static __always_inline __u16 object_family_of_sock(struct sock *sock)
{
	return BPF_CORE_READ(sock, __sk_common.skc_family);
}

static __always_inline __u64 object_ino_of_sock(struct sock *sock)
{
	return BPF_CORE_READ(sock, sk_socket, file, f_inode, i_ino);
}

static __always_inline void object_read_ip(struct sock *sock, __u16 family, __u8 *peer, __u8 *local)
{
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO((struct in6_addr *)peer, sock, __sk_common.skc_v6_daddr);
		BPF_CORE_READ_INTO((struct in6_addr *)local, sock, __sk_common.skc_v6_rcv_saddr);
		return;
	}
	__builtin_memset(peer, 0, 10);
	__builtin_memset(local, 0, 10);
	peer[10] = peer[11] = local[10] = local[11] = 0xff;
	BPF_CORE_READ_INTO((__be32 *)(peer + 12), sock, __sk_common.skc_daddr);
	BPF_CORE_READ_INTO((__be32 *)(local + 12), sock, __sk_common.skc_rcv_saddr);
}

static __always_inline __u16 object_swap16(__u16 value)
{
	return __builtin_bswap16(value);
}

static __always_inline __u64 object_mix(__u64 hash, __u64 value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 29);
}

/* The key of one direction of a connection within this machine; false when the peer is elsewhere.
 * Defined in loopback.bpf.h. */
static __noinline int loopback_find_key(struct sock *sock, __u32 family, __u32 direction,
					struct weir_object_key *ret_key);

/* Where the text of a unix socket's address is: a path, or a NUL and a name. */
static __always_inline __u64 object_unix_text(struct unix_address *address)
{
	return (__u64)address + bpf_core_field_offset(struct unix_address, name) +
	       bpf_core_field_offset(struct sockaddr_un, sun_path);
}

static __always_inline void object_key_of_unix_sock(struct sock *sock,
						    struct weir_object_key *ret_key)
{
	struct file *file = BPF_CORE_READ(sock, sk_socket, file);

	if (file) {
		object_read_key(BPF_CORE_READ(file, f_inode), ret_key);
		return;
	}
	ret_key->ino = (__u64)sock;
	ret_key->dev = WEIR_DEV_UNIX_SOCK;
	ret_key->generation = 0;
}

/* Closed: a later socket may get the address, and nothing that is written here arrives. */
static __always_inline bool object_is_dead_sock(struct sock *sock)
{
	__u64 dead = bpf_core_enum_value(enum sock_flags, SOCK_DEAD);

	return BPF_CORE_READ(sock, __sk_common.skc_flags) >> dead & 1;
}

static __always_inline void object_resolve_unix(struct object *object, __u32 direction)
{
	struct unix_sock *own = (struct unix_sock *)object->sock;
	struct sock *peer;

	object->kind = WEIR_KIND_UNIX;
	if (direction == WEIR_OUT) {
		peer = BPF_CORE_READ(own, peer);
		if (!peer || object_is_dead_sock(peer))
			object->kind = WEIR_KIND_NONE;
		else
			object_key_of_unix_sock(peer, &object->key);
	} else if (!bpf_map_lookup_elem(&objects, &object->key)) {
		struct weir_object_key early = {.ino = (__u64)object->sock,
						.dev = WEIR_DEV_UNIX_SOCK};

		/* Written before we accepted the connection. */
		if (bpf_map_lookup_elem(&objects, &early))
			object->key = early;
	}
}

static __always_inline void object_resolve_socket(struct object *object, __u32 direction)
{
	struct weir_object_key loopback = {};
	struct weir_object *known;

	object->sock = object_sock_of_file(object->file);
	if (!object->sock) {
		object->kind = WEIR_KIND_NONE;
		return;
	}
	object->family = object_family_of_sock(object->sock);
	if (object->family == AF_UNIX) {
		object_resolve_unix(object, direction);
		return;
	}
	if (object->family != AF_INET && object->family != AF_INET6) {
		object->kind = WEIR_KIND_NONE;
		return;
	}
	/* A socket that the policy labelled stays itself, also on loopback. */
	known = bpf_map_lookup_elem(&objects, &object->key);
	if (!known && loopback_find_key(object->sock, object->family, direction, &loopback))
		object->key = loopback;
}

/* Becomes the memory of the app of a task. False where the tables do not know the task. */
static __always_inline bool object_set_memory(struct task_struct *task, struct object *ret_object)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u64 *id = bpf_map_lookup_elem(&processes, &tgid);

	if (!id)
		return false;
	ret_object->key.ino = *id;
	ret_object->key.dev = WEIR_DEV_APP;
	ret_object->key.generation = 0;
	ret_object->kind = WEIR_KIND_MEMORY;
	ret_object->exe = BPF_CORE_READ(task, mm, exe_file);
	return true;
}

static __noinline int object_resolve_proc(struct file *file, struct object *ret_object)
{
	struct task_struct *task = proc_task_of_memory(file);

	ret_object->kind = WEIR_KIND_NONE;
	if (task)
		object_set_memory(task, ret_object);
	return 0;
}

/* The inode that holds the data. Read as a number, see name_hash(). */
static __always_inline struct inode *object_unstack(struct file *file, struct object *ret_object)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct dentry *real = (struct dentry *)overlay_find_real((__u64)inode);

	ret_object->kind = WEIR_KIND_FILE;
	ret_object->is_stacked = 1;
	return real ? BPF_CORE_READ(real, d_inode) : inode;
}

/* Fills an object from an open file. Kind NONE means that no customer data can rest there. */
static __always_inline void object_resolve(struct file *file, __u32 direction,
					   struct object *ret_object)
{
	struct inode *inode = object_inode_of_file(file);

	ret_object->file = file;
	ret_object->sock = NULL;
	ret_object->family = 0;
	ret_object->is_stacked = 0;
	ret_object->kind = object_kind_of_inode(inode);
	ret_object->is_terminal = ret_object->kind == OBJECT_TERMINAL;
	if (ret_object->is_terminal)
		ret_object->kind = WEIR_KIND_NONE;
	if (ret_object->kind == WEIR_KIND_NONE)
		return;
	if (ret_object->kind == WEIR_KIND_MEMORY) {
		object_resolve_proc(file, ret_object);
		return;
	}
	if (ret_object->kind == OBJECT_STACKED)
		inode = object_unstack(file, ret_object);
	object_read_key(inode, &ret_object->key);
	if (ret_object->kind == WEIR_KIND_INET)
		object_resolve_socket(ret_object, direction);
}

static __always_inline void object_read_peer(struct sock *sock, __u16 family,
					     struct weir_address *ret_address)
{
	__u64 peer[2], local[2];

	object_read_ip(sock, family, (__u8 *)peer, (__u8 *)local);
	__builtin_memcpy(ret_address->ip, peer, 16);
	ret_address->port = object_swap16(BPF_CORE_READ(sock, __sk_common.skc_dport));
	ret_address->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
	ret_address->protocol = BPF_CORE_READ(sock, sk_protocol);
}

#endif
