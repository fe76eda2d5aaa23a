# SPDX-License-Identifier: GPL-2.0-only
"""The real work of the bench: untar and grep, compile, nginx, redis. All of it runs on one
processor, so that what a server finds in its queue does not depend on luck."""

import os
import random
import re
import shutil
import subprocess

import monitors

TREE_FOLDERS, TREE_FILES = 20, 50
C_FILES = 12
WEB_SECONDS = 0.5
REDIS_REQUESTS = 12000
NGINX = """worker_processes 1; daemon off; master_process off; pid %(place)s/nginx.pid;
error_log /dev/null; events { worker_connections 512; }
http { access_log off; client_body_temp_path %(place)s/web-tmp; proxy_temp_path %(place)s/web-tmp;
fastcgi_temp_path %(place)s/web-tmp; uwsgi_temp_path %(place)s/web-tmp;
scgi_temp_path %(place)s/web-tmp; server { listen 127.0.0.1:18480; root %(place)s/web;
keepalive_requests 1000000; } }"""
SCRIPTS = {
    "untar + grep": ["tar grep", """for i in 1 2 3; do tar xf tree.tar && grep -rl needle tree |
wc -l && rm -rf tree; done"""],
    "compile": ["gcc", "for f in c/*.c; do gcc -O0 -c -o ${f%.c}.o $f || exit 1; done; rm c/*.o"],
    "nginx, wrk": ["nginx wrk", """nginx -p $PWD -c $PWD/nginx.conf & server=$!
until [ -s nginx.pid ]; do sleep 0.02; done
timeout -s INT %s wrk -t1 -c8 -d9s http://127.0.0.1:18480/page
kill $server; wait $server; rm -f nginx.pid""" % WEB_SECONDS],
    "redis": ["redis-server redis-benchmark redis-cli", """redis-server --port 0 \
--unixsocket $PWD/r --save '' --appendonly no >/dev/null & server=$!
until [ -S r ]; do sleep 0.02; done
redis-benchmark -s $PWD/r -n %d -c 8 -d 256 -t set,get -q; redis-cli -s $PWD/r shutdown nosave
wait $server""" % REDIS_REQUESTS],
}


class Failed(Exception):
    pass


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_place(work):
    """The files of the work, the same for everybody."""
    place = os.path.join(work, "place")
    words = [f"word{n}" for n in range(500)]
    luck = random.Random(1)
    for folder in range(TREE_FOLDERS):
        for file in range(TREE_FILES):
            text = " ".join(luck.choices(words, k=luck.randrange(100, 1500)))
            write(f"{place}/tree/{folder}/{file}.txt",
                  text + ("\nneedle\n" if file % 10 == 0 else "\n"))
    for number in range(C_FILES):
        functions = "".join(
            f"int f{number}_{n}(int x) {{ char t[64]; snprintf(t, 64, \"%d\", x * {n});"
            f" return x > 9 ? atoi(t) : x + {n}; }}\n" for n in range(40))
        write(f"{place}/c/{number}.c", "#include <stdio.h>\n#include <stdlib.h>\n" + functions)
    write(f"{place}/web/page", "p" * 4096)
    write(f"{place}/page", "p" * 4096)
    write(f"{place}/nginx.conf", NGINX % {"place": place})
    os.makedirs(f"{place}/web-tmp")
    subprocess.run("tar cf tree.tar tree && rm -rf tree", shell=True, cwd=place, check=True)
    subprocess.run(["chown", "-R", str(monitors.WORKER_UID), place], check=True)
    os.chmod(work, 0o755)
    return place


def available():
    """The names of what can be run here; says why not the rest."""
    names = []
    for name, (programs, _) in SCRIPTS.items():
        missing = [program for program in programs.split() if not shutil.which(program)]
        if missing:
            print(f"# {name} is left out: not installed: {', '.join(missing)} "
                  "(scripts/install-deps bench)")
        else:
            names.append(name)
    return names


def as_worker(place):
    """How the measured processes are started: not as root, on the last processor."""
    last = max(os.sched_getaffinity(0))
    return {"cwd": place, "stdout": subprocess.PIPE, "text": True, "user": monitors.WORKER_UID,
            "group": monitors.WORKER_UID, "extra_groups": [],
            "preexec_fn": lambda: os.sched_setaffinity(0, {last}),
            "env": {"PATH": os.environ["PATH"], "TMPDIR": place, "HOME": place}}


def run(name, place):
    """Processor seconds of all who take part, for a unit of work; and the units."""
    process = subprocess.Popen(["sh", "-c", SCRIPTS[name][1]], stderr=subprocess.STDOUT,
                               **as_worker(place))
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    requests = re.search(r"(\d+) requests in", output)
    is_web = name.startswith("nginx")
    if process.returncode not in (0, 143) or (is_web and not (requests and int(requests[1]))):
        raise Failed(f"{name} ended with {process.returncode}: {output.strip()[-300:]}")
    units = int(requests[1]) if is_web else 1
    return (usage.ru_utime + usage.ru_stime) / units, units
