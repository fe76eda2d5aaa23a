# SPDX-License-Identifier: GPL-2.0-only
"""Whatever watches system calls on this machine, to be started, weighed and stopped: Weir, two
empty programs, and its peers where they are installed."""

import glob
import os
import shutil
import signal
import subprocess
import time

START_SECONDS = 60
# Of the processes that are measured: audit rules hold for them alone.
WORKER_UID = 64123

# What auditd must record to know as much as Weir: who opened, read, wrote, sent, received, ran.
AUDIT_CALLS = """open,openat,creat,read,pread,readv,preadv,write,pwrite,writev,pwritev,connect
accept,accept4,sendto,sendmsg,recvfrom,recvmsg,sendfile,splice,copy_file_range,mmap,dup,dup2,dup3
fork,vfork,clone,execve,unlink,unlinkat,rename,renameat,renameat2,close,pipe,pipe2,socket"""
BPFTRACE_CALLS = "read write pread64 pwrite64 sendto recvfrom sendmsg recvmsg".split()
BPFTRACE = (",".join(f"tracepoint:syscalls:sys_enter_{call}" for call in BPFTRACE_CALLS)
            + " { @fd[tid] = args->fd; } "
            + ",".join(f"tracepoint:syscalls:sys_exit_{call}" for call in BPFTRACE_CALLS)
            + " /args->ret > 0/ { @bytes[pid, @fd[tid]] = sum(args->ret); } "
            + "tracepoint:syscalls:sys_exit_openat { @opened[pid] = count(); } "
            + "END { clear(@fd); clear(@bytes); clear(@opened); }")
SYSCALLS = os.path.join(os.environ.get("BUILD", "build"), "tests/bench/syscalls")


class Unavailable(Exception):
    pass


def cpu_seconds(pids):
    """Processor time of all threads of these processes."""
    total = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            try:
                with open(path, encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass
    return total / 1e9


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def kernel_threads(name):
    found = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path, encoding="utf-8") as file:
                if file.read().strip() == name:
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


def wait_until(what, is_so):
    deadline = time.monotonic() + START_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Unavailable(f"{what}: not within {START_SECONDS} s")
        time.sleep(0.1)


def count_links():
    """What watches system calls through BPF on this machine, whoever made it."""
    said = subprocess.run([SYSCALLS, "links"], capture_output=True, text=True, check=True)
    return int(said.stdout)


class Nothing:
    name = "no monitor"
    does_work = True  # or is it of interest for single calls alone
    batches = 30
    needs_new_worker = False

    def __init__(self, work):
        self.work = work
        self.process = None

    def check(self):
        """Raises Unavailable with the reason."""

    def start(self):
        pass

    def pids(self):
        return [self.process.pid] if self.process else []

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def launch(self, command, sign):
        """Starts it; it runs once its output holds the sign."""
        log = os.path.join(self.work, "monitor.log")
        environment = dict(os.environ, BPFTRACE_MAP_KEYS_MAX="65536")
        with open(log, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment)

        def is_up():
            with open(log, encoding="utf-8", errors="replace") as said:
                text = said.read()
            if self.process.poll() is not None:
                raise Unavailable(f"{command[0]} ended: {text.strip()[-200:]}")
            return sign in text

        wait_until(command[0], is_up)
        time.sleep(1)


class Empty(Nothing):
    name = "empty programs"

    def start(self):
        self.launch([SYSCALLS, "empty"], "ready")


CRM = """[class "customer"]
grade = C3
category = other
[crm "crm"]
host = 10.77.0.10
port = 443
class = customer
[export "exports"]
class = customer
folder = """


class Weir(Nothing):
    name = "weir, idle"
    source = "exports"  # a folder that nobody touches, on the same file system as the work
    role = None  # of another app that carries the label

    def __init__(self, work):
        super().__init__(work)
        self.holder = None

    def policy(self):
        return CRM + os.path.join(self.work, self.source) + "\n"

    def start(self):
        policy = os.path.join(self.work, "policy.conf")
        data = os.path.join(self.work, "data")
        exports = os.path.join(self.work, "exports")
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(exports, exist_ok=True)
        with open(os.path.join(exports, "list"), "w", encoding="utf-8") as file:
            file.write("customer data\n" * 1000)
        with open(policy, "w", encoding="utf-8") as file:
            file.write(self.policy())
        weir = os.path.join(os.environ.get("BUILD", "build"), "weir")
        self.launch([weir, "run", "--quiet", "--policy", policy, "--data", data],
                    "weir: watching")
        if self.role:
            self.holder = subprocess.Popen(
                [SYSCALLS, self.role, os.path.join(exports, "list")], stdout=subprocess.PIPE)
            self.holder.stdout.readline()
            time.sleep(2)  # until it has read, and a walk has met those who hold its pipe

    def pids(self):
        # The collector may well be on another machine; it is the one that was started first.
        return sorted(children(self.process.pid))[-1:] if self.process else []

    def stop(self):
        if self.holder:
            self.holder.kill()
            self.holder.communicate()
        self.holder = None
        super().stop()


class WeirBlank(Weir):
    name = "weir, empty tables"
    does_work = False

    def policy(self):
        return ("[class \"customer\"]\ngrade = C3\ncategory = other\n"
                "[client \"crm\"]\nexecutable = /opt/crm-that-is-not-here\nclass = customer\n")


class WeirHot(Weir):
    name = "weir, another app labelled"
    does_work = False
    role = "hold"


class WeirPipe(Weir):
    name = "weir, and its pipe"
    does_work = False
    role = "hold-pipe"


class WeirLabelled(Weir):
    """All the files of the work are customer data, and so is all that its clients send."""
    name = "weir, all labelled"
    source = "place"

    def policy(self):
        clients = [path for path in map(shutil.which, ["wrk", "redis-benchmark"]) if path]
        return super().policy() + "".join(
            f"[client \"client-{n}\"]\nexecutable = {os.path.realpath(path)}\n"
            "class = customer\n" for n, path in enumerate(clients))


def audit(*arguments):
    return subprocess.run(["auditctl", *arguments], capture_output=True, text=True)


def audit_is_ours():
    """Whether audit can be had here and nobody uses it."""
    if not shutil.which("auditd") or not shutil.which("auditctl"):
        raise Unavailable("not installed (scripts/install-deps bench)")
    status = audit("-s")
    if status.returncode != 0:
        raise Unavailable("this kernel has no audit: " + status.stderr.strip())
    if "pid 0" not in status.stdout.splitlines() or "No rules" not in audit("-l").stdout:
        raise Unavailable("another audit daemon runs, or there are rules")


def audit_spare_new_tasks():
    """Once audit was enabled, every later process carries a context that makes all its calls
    dearer, until the next boot; this rule makes them as they were."""
    if shutil.which("auditctl"):
        audit("-a", "never,task")


def audit_forget():
    if shutil.which("auditctl"):
        audit("-d", "never,task")


class Audit(Nothing):
    name = "auditd, I/O rules"
    batches = 2
    needs_new_worker = True

    def check(self):
        audit_is_ours()

    def start(self):
        folder = os.path.join(self.work, "audit")
        os.makedirs(folder, exist_ok=True)
        config = os.path.join(folder, "auditd.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"log_file = {folder}/audit.log\nlog_format = RAW\n"
                       "flush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 64\nnum_logs = 2\n"
                       "max_log_file_action = ROTATE\nspace_left = 2\nadmin_space_left = 1\n")
        os.chmod(config, 0o640)
        self.process = subprocess.Popen(
            ["auditd", "-n", "-c", folder], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("auditd", lambda: f"pid {self.process.pid}" in audit("-s").stdout)
        calls = ",".join(AUDIT_CALLS.split())
        for arguments in (["-D"], ["-b", "65536"], ["-e", "1"],
                          ["-a", "always,exit", "-F", "arch=b64", "-S", calls,
                           "-F", f"uid={WORKER_UID}"]):
            done = audit(*arguments)
            if done.returncode != 0:
                self.stop()
                raise Unavailable("auditctl: " + done.stderr.strip())

    def pids(self):
        return super().pids() + kernel_threads("kauditd")

    def stop(self):
        for arguments in (["-D"], ["-e", "0"], ["-b", "64"]):
            audit(*arguments)
        if self.process:
            self.process.terminate()
            self.process.wait(20)
        self.process = None
        shutil.rmtree(os.path.join(self.work, "audit"), ignore_errors=True)
        audit_spare_new_tasks()


class Peer(Nothing):
    command = ()
    sign = None

    def check(self):
        if not shutil.which(self.command[0]):
            raise Unavailable("not installed (scripts/install-deps bench)")

    def start(self):
        self.launch(list(self.command), self.sign)


class Bpftrace(Peer):
    name = "bpftrace, bytes by fd"
    command = ("bpftrace", "-e", BPFTRACE)
    sign = "Attaching"


class Opensnoop(Peer):
    name = "opensnoop"
    command = ("opensnoop",)
    sign = "PID"


class Syscount(Peer):
    name = "syscount by process"
    command = ("syscount", "-P", "-i", "1")
    sign = "Tracing"


ALL = [Empty, WeirBlank, Weir, WeirHot, WeirPipe, WeirLabelled, Audit, Bpftrace, Opensnoop,
       Syscount]
