/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H

/*
 * The kernel types that the programs read, cut down to the fields they use.
 * CO-RE finds each field by name in the running kernel's BTF, so this one file
 * serves 5.10 to 7.x; the order and the sizes here mean nothing.
 */

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef _Bool bool;

#define true 1
#define false 0
#define static_assert _Static_assert
#define NULL ((void *)0)

/* uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_task_pt_regs = 175,
};
#define BPF_F_NO_PREALLOC 1
#define BPF_F_MMAPABLE (1U << 10)

/* uapi/linux/stat.h, fcntl.h, socket.h, in.h, magic.h */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define O_TRUNC 01000
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_ALG 38
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define EFAULT 14
#define EINVAL 22
#define ENOSYS 38
#define EINTR 4
#define EALREADY 114
#define EINPROGRESS 115
#define ERESTARTSYS 512 /* include/linux/errno.h */
#define MSG_FASTOPEN 0x20000000
#define AT_FDCWD -100
#define FMODE_WRITE 0x2
#define FMODE_PATH 0x4000
#define MAP_SHARED 0x01
#define PROT_WRITE 0x2
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define HUGETLBFS_MAGIC 0x958458f6
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define TRACEFS_MAGIC 0x74726163
#define DEBUGFS_MAGIC 0x64626720
#define BPF_FS_MAGIC 0xcafe4a11
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define CGROUP_SUPER_MAGIC 0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* The registers of a system call, and where a thread is marked; bpf/arch.bpf.h reads them. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs { /* arch/x86/include/asm/ptrace.h */
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long cx;
	unsigned long bx;
	unsigned long bp;
	unsigned long r10;
	unsigned long r8;
	unsigned long r9;
	unsigned long ax;
	unsigned long orig_ax;
	unsigned long sp;
};

struct thread_info {
	__u32 status;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs { /* arch/arm64/include/asm/ptrace.h */
	__u64 regs[31];
	__u64 sp;
	__u64 pstate;
	__u64 orig_x0;
	__s32 syscallno;
};

struct thread_info {
	unsigned long flags;
};
#else
#error "bpf/kernel.h and bpf/arch.bpf.h know x86-64 and arm64 only"
#endif

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

/* From 6.13 on; holds one less than the references. include/linux/file_ref.h */
typedef struct {
	atomic64_t refcnt;
} file_ref_t;

struct qstr {
	__u32 hash;
	const unsigned char *name;
};

struct lockref {
	int count;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct inode {
	__u16 i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
	__u32 i_generation;
	__u32 i_rdev;
	__s64 i_size;
	unsigned int i_nlink;
	atomic_t i_count;
	struct hlist_head i_dentry;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct lockref d_lockref;
	struct super_block *d_sb;
	union {
		struct hlist_node d_alias;
	} d_u;
};

struct mnt_namespace;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mnt_namespace *mnt_ns;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	atomic64_t f_count; /* up to 6.12 */
	file_ref_t f_ref;
	unsigned int f_mode;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct xa_node {
	unsigned char shift;
	void *slots[64];
};

struct xarray {
	void *xa_head;
};

struct idr {
	struct xarray idr_rt;
};

struct pid_namespace {
	struct idr idr;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};

struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start;
	unsigned long arg_end;
};

struct cred {
	kuid_t uid;
};

struct signal_struct {
	atomic_t live;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp; /* of the v2 hierarchy */
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	struct mm_struct *mm;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	const struct cred *cred;
	struct signal_struct *signal;
	struct css_set *cgroups;
	kuid_t loginuid;
	__u64 start_boottime;
	char comm[16];
};

/* include/trace/events/sched.h; at one offset on 5.10, at another on 6.18 */
struct trace_event_raw_sched_process_fork {
	int child_pid;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct user_msghdr;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

/* include/net/sock.h */
enum sock_flags {
	SOCK_DEAD = 0,
};

struct sock_common {
	unsigned long skc_flags;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	struct socket *sk_socket;
	struct pid *sk_peer_pid; /* of who listened, where the socket was connected */
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct bpf_iter__task {
	struct task_struct *task;
};

struct bpf_iter__bpf_map_elem {
	void *key;
	void *value;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};

#pragma clang attribute pop

#endif
