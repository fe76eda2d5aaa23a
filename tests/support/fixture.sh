# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The stage of the scenarios, to be sourced: a small internet of network namespaces around one
# employee's desk, with ordinary servers in it, and Weir watching this whole machine. Everything
# is taken away when the scenario ends, however it ends.
#
#   10.77.0.2   employee     where alice (uid 1001, home /home/weir-alice) works
#   10.77.0.10  crm.test     the CRM, over TLS      10.77.0.11  crm-train.test  its training twin
#   10.77.0.20  im.test      an outside chat peer   10.77.0.21  mail.test       mail
#   10.77.0.30  pan.test     an outside cloud disk  10.77.0.31  shop.test       an allowed shop
#   10.77.0.40  backup.corp  the company's backup   10.77.0.41  tickets.corp    its ticket system
#   10.77.0.50  meet.test    video calls            10.77.0.51  tracker.corp    the company's faults
#   10.77.0.60  proxy.corp   the company's way out
#
# WEIR_PATIENCE      how many times as long everything may take (1)
# WEIR_POLL_SECONDS  what is waited for is looked at so often (0.1)
#
# Hazards for whoever writes a scenario: a program that reads labelled data is labelled, also this
# shell and its subshells. So the employee acts in processes of her own (alice, alice_does), and
# sizes are asked with stat, which reads nothing.

set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
build=${BUILD:-build}
weir=$build/weir
support=$root/tests/support
policy=$root/userspace/policy/example.conf
home=/home/weir-alice
employee_uid=1001
# shellcheck disable=SC2034 # for the scenarios
python=/usr/bin/python3 # not a shim: a shim is a shell, and another executable

declare -A host_addresses=(
	[employee]=10.77.0.2
	[crm.test]=10.77.0.10
	[crm-train.test]=10.77.0.11
	[im.test]=10.77.0.20
	[mail.test]=10.77.0.21
	[pan.test]=10.77.0.30
	[shop.test]=10.77.0.31
	[backup.corp]=10.77.0.40
	[tickets.corp]=10.77.0.41
	[proxy.corp]=10.77.0.60
	[meet.test]=10.77.0.50
	[tracker.corp]=10.77.0.51
)

work=       # scratch of this scenario
data=       # what Weir stores
weir_pid=   # of "weir run", empty when it does not run
weir_log=   # its stderr
weir_live=  # its live lines
server_pids=()
mounts=()
cgroup_folders=()
n_tests=0
n_failed=0
n_acts=0

# ---- telling ----------------------------------------------------------------

say() { # TEXT: what happens now
	echo "# $*"
}

ok() { # WHAT
	n_tests=$((n_tests + 1))
	echo "ok $n_tests - $*"
}

not_ok() { # WHAT
	n_tests=$((n_tests + 1))
	n_failed=$((n_failed + 1))
	echo "not ok $n_tests - $*"
}

# Cut within a line, the rest of that line must not swallow the next result.
show_start() {
	{
		head -c 4000
		echo
	} | sed 's/^/#   /'
}

# then_it WHAT COMMAND...: one test, which passes when COMMAND does.
then_it() {
	local what=$1

	shift
	if "$@" >"$work/then.out" 2>&1; then
		ok "$what"
	else
		not_ok "$what"
		echo "#   $*"
		show_start <"$work/then.out"
	fi
}

give_up() { # WHY
	not_ok "$*"
	exit 1
}

not() {
	! "$@"
}

# eventually SECONDS COMMAND...: tries again until it passes or the time is over.
eventually() {
	local deadline=$((SECONDS + $1 * ${WEIR_PATIENCE:-1}))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep "${WEIR_POLL_SECONDS:-0.1}"
	done
}

is_over() { # PID
	! kill -0 "$1" 2>/dev/null
}

# needs_programs NAME...: before the stage is set; without one of them there is nothing to see.
needs_programs() {
	local name

	for name; do
		[ -x "/usr/bin/$name" ] || {
			echo "1..0 # SKIP needs $name"
			exit 0
		}
	done
}

# ---- taking everything away ---------------------------------------------------

end_process() { # PID...: asks, waits, and then insists
	local pid

	for pid; do kill -TERM "$pid" 2>/dev/null; done
	for pid; do
		eventually 20 is_over "$pid" || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}

remove_network() {
	local name pid

	for name in "${!host_addresses[@]}" net; do
		[ -e "/run/netns/weir-$name" ] || continue
		# Only what this fixture started lives in there.
		for pid in $(ip netns pids "weir-$name" 2>/dev/null); do
			kill -KILL "$pid" 2>/dev/null
		done
		ip netns del "weir-$name"
	done
	for name in "${!host_addresses[@]}"; do rm -rf "/etc/netns/weir-$name"; done
	rmdir --ignore-fail-on-non-empty /etc/netns 2>/dev/null
}

take_away() {
	local status=$? mount i

	trap - EXIT
	[ -z "$weir_pid" ] || end_process "$weir_pid"
	[ ${#server_pids[@]} -eq 0 ] || end_process "${server_pids[@]}"
	remove_network
	for ((i = ${#cgroup_folders[@]} - 1; i >= 0; i--)); do
		rmdir "${cgroup_folders[i]}" 2>/dev/null
	done
	for ((i = ${#mounts[@]} - 1; i >= 0; i--)); do
		mount=${mounts[i]}
		umount "$mount" 2>/dev/null || umount --lazy "$mount"
		rmdir "$mount" 2>/dev/null
	done
	rm -rf "$home"
	if [ "$n_failed" -gt 0 ] && [ -n "$weir_log" ] && [ -s "$weir_log" ]; then
		echo "# weir said:"
		tail -n 40 "$weir_log" | sed 's/^/#   /'
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $work"
	else
		rm -rf "$work"
	fi
	[ "$status" -ne 0 ] || [ "$n_failed" -eq 0 ] || status=1
	[ -n "${is_demo:-}" ] || echo "1..$n_tests"
	exit "$status"
}

# ---- setting up -----------------------------------------------------------------

make_network() {
	local name i=0

	ip netns add weir-net
	ip -n weir-net link add bridge type bridge
	ip -n weir-net link set bridge up
	for name in "${!host_addresses[@]}"; do
		i=$((i + 1))
		ip netns add "weir-$name"
		ip -n weir-net link add "port$i" type veth peer name eth0 netns "weir-$name"
		ip -n weir-net link set "port$i" master bridge up
		ip -n "weir-$name" address add "${host_addresses[$name]}/24" dev eth0
		ip -n "weir-$name" link set eth0 up
		ip -n "weir-$name" link set lo up
	done
	mkdir -p /etc/netns/weir-employee
	{
		echo "127.0.0.1 localhost"
		for name in "${!host_addresses[@]}"; do
			echo "${host_addresses[$name]} $name"
		done
	} >/etc/netns/weir-employee/hosts
	cp -r /etc/netns/weir-employee /etc/netns/weir-proxy.corp
}

make_certificate() {
	local names='' name

	for name in "${!host_addresses[@]}"; do names+="${names:+,}DNS:$name"; done
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=weir tests" -addext "subjectAltName=$names" \
		-keyout "$work/tls.key" -out "$work/tls.crt" 2>"$work/openssl.log" ||
		give_up "openssl makes a certificate"
	install -m 0644 "$work/tls.crt" "$home/.tls.crt"
}

# Makes the network and the employee. Call it first.
set_the_stage() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "1..0 # SKIP needs root"
		exit 0
	fi
	work=$(mktemp -d /var/tmp/weir-scenario-XXXXXX)
	chmod 0755 "$work"
	data=${data:-$work/data}
	trap take_away EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# The names of namespaces belong to the machine: one stage at a time.
	exec 9>/run/weir-fixture.lock
	flock --wait 240 9 || give_up "another stage is set up for too long"
	remove_network
	rm -rf "$home"
	install -d -o "$employee_uid" -g "$employee_uid" -m 0755 "$home"
	make_network >"$work/network.log" 2>&1 || give_up "the network: $(cat "$work/network.log")"
	make_certificate
}

listens() { # HOST PORT
	[ -n "$(ip netns exec "weir-$1" ss -Hltn "sport = :$2" 9>&-)" ]
}

# serve HOST PORT COMMAND...: COMMAND runs on HOST until the end and must listen on PORT.
serve() {
	local host=$1 port=$2

	shift 2
	ip netns exec "weir-$host" "$@" >>"$work/$host.log" 2>&1 </dev/null 9>&- &
	server_pids+=($!)
	eventually 10 listens "$host" "$port" ||
		give_up "$host listens on $port: $(tail -n 3 "$work/$host.log")"
}

# crm_serves HOST: customers over TLS.
crm_serves() {
	serve "$1" 443 "$support/crm-server" --port 443 --certificate "$work/tls.crt" \
		--key "$work/tls.key"
}

# cloud_serves HOST: takes uploads over TLS and keeps them in $work/HOST.
cloud_serves() {
	mkdir -p "$work/$1"
	serve "$1" 443 "$support/peer" upload --port 443 --keep "$work/$1" \
		--certificate "$work/tls.crt" --key "$work/tls.key"
}

# web_serves HOST: pages over TLS, one of them with a form, and keeps what is sent in $work/HOST.
web_serves() {
	mkdir -p "$work/$1"
	serve "$1" 443 "$support/peer" web --port 443 --keep "$work/$1" \
		--certificate "$work/tls.crt" --key "$work/tls.key"
}

# proxy_serves: takes whom it is asked to, by HTTP CONNECT and in the clear.
proxy_serves() {
	printf '%s\n' 'Port 3128' 'Timeout 60' 'MaxClients 50' 'Allow 10.77.0.0/24' \
		>"$work/proxy.conf"
	serve proxy.corp 3128 tinyproxy -d -c "$work/proxy.conf"
}

# chat_serves HOST FILE: hands FILE to the first that connects, keeps what later ones send.
chat_serves() {
	mkdir -p "$work/$1"
	serve "$1" 5222 "$support/peer" chat --port 5222 --keep "$work/$1" --send "$2"
}

listens_udp() { # HOST PORT
	[ -n "$(ip netns exec "weir-$1" ss -Hlun "sport = :$2" 9>&-)" ]
}

# quic_serves HOST: takes uploads by HTTP/3, and keeps nothing.
quic_serves() {
	ip netns exec "weir-$1" gtlsserver -q "${host_addresses[$1]}" 443 "$work/tls.key" \
		"$work/tls.crt" >>"$work/$1.log" 2>&1 </dev/null 9>&- &
	server_pids+=($!)
	eventually 10 listens_udp "$1" 443 || give_up "$1 speaks QUIC: $(tail -n 3 "$work/$1.log")"
}

# store_serves HOST PORT: keeps whatever is sent to it.
store_serves() {
	mkdir -p "$work/$1"
	serve "$1" "$2" "$support/peer" store --port "$2" --keep "$work/$1"
}

received_bytes() { # HOST: by all its connections or uploads
	local file total=0

	for file in "$work/$1"/received-*; do
		[ -e "$file" ] && total=$((total + $(stat -c %s "$file")))
	done
	echo "$total"
}

# make_policy_list FILE N: N policy numbers in no order that a counter would have, always the same.
make_policy_list() {
	local i number=20200201

	for ((i = 1; i <= $2; i++)); do
		number=$(((number * 1103515245 + 12345) % 2147483648))
		echo "P2020$((100000 + (number >> 8) % 900000))"
	done >"$1"
}

# alice_has_a_list_to_look_up N: policies.txt, and rows.py, which makes a table of rows.json, what the
# CRM answered.
alice_has_a_list_to_look_up() {
	make_policy_list "$work/policies.txt" "$1"
	install -m 0644 "$work/policies.txt" "$home/policies.txt"
	cat >"$home/rows.py" <<-'END'
		import csv, json, sys
		rows = csv.writer(sys.stdout)
		for line in open("rows.json"):
		    rows.writerow(json.loads(line).values())
	END
}

# ---- the employee ---------------------------------------------------------------

# alice COMMAND...: as the employee, at her desk, in her home.
alice() {
	ip netns exec weir-employee setpriv --reuid="$employee_uid" --regid="$employee_uid" \
		--clear-groups --inh-caps=-all \
		env -i -C "$home" HOME="$home" USER=alice PATH=/usr/bin:/bin LANG=C.UTF-8 \
		CURL_CA_BUNDLE="$home/.tls.crt" "$@" 9>&-
}

# alice_does <<'END': lines of a shell of hers; it stops at the first that fails.
alice_does() {
	n_acts=$((n_acts + 1))
	cat >"$work/act-$n_acts.sh"
	chmod 0644 "$work/act-$n_acts.sh"
	alice dash -eu "$work/act-$n_acts.sh" >"$work/act-$n_acts.out" 2>&1 </dev/null ||
		give_up "what alice does: $(cat "$work/act-$n_acts.out")"
}

# ---- weir -----------------------------------------------------------------------

says_watching() {
	grep -qx 'weir: watching' "$weir_log" || is_over "$weir_pid"
}

# weir_knows_the_hosts: it finds the addresses of the names in its policy, as at her desk.
weir_knows_the_hosts() {
	cat >"$work/weir" <<-END
		#!/bin/sh
		exec unshare --mount sh -c 'mount --bind /etc/netns/weir-employee/hosts /etc/hosts &&
			exec "\$0" "\$@"' "$(realpath "$build/weir")" "\$@"
	END
	chmod 0755 "$work/weir"
	weir=$work/weir
}

# weir_watches [OPTION...]: starts it and waits until the sensor is attached.
weir_watches() {
	weir_log=$work/weir.log
	weir_live=$work/live.txt
	: >"$weir_log"
	"$weir" run --policy "$policy" --data "$data" "$@" >>"$weir_live" 2>"$weir_log" </dev/null 9>&- &
	weir_pid=$!
	eventually 60 says_watching
	if is_over "$weir_pid" || ! grep -qx 'weir: watching' "$weir_log"; then
		give_up "weir watches"
	fi
}

weir_stops() {
	local pid=$weir_pid

	[ -n "$pid" ] || return 0
	kill -TERM "$pid"
	eventually 40 is_over "$pid" || give_up "weir stops when asked"
	wait "$pid"
	# shellcheck disable=SC2034 # for the scenarios
	weir_status=$?
	weir_pid=
}

# json_says FILE EXPRESSION: a Python expression over the JSON in FILE, called d.
json_says() {
	"$python" "$support/json-says" "$1" "$2"
}

incidents_say() { # EXPRESSION over the list of incidents
	"$weir" incidents --json --data "$data" >"$work/incidents.json" 2>"$work/incidents.err" &&
		json_says "$work/incidents.json" "$1"
}

# lineage_has STEPS STEP...: a test for each STEP, which is WHAT:PROGRAM:DIRECTION:OBJECT; STEPS is an
# expression over the list of incidents.
lineage_has() {
	local steps=$1 step what exe direction object

	shift
	for step; do
		IFS=: read -r what exe direction object <<<"$step"
		soon "the lineage has: $what" \
			incidents_say "any(s['app']['exe'].endswith('/$exe') and s['direction'] == '$direction' and (s['object']['name'].endswith('$object') or s['object'].get('zone') == '$object') for s in $steps)"
	done
}

events_say() { # EXPRESSION over the list of all events
	"$weir" replay --format jsonl --speed 0 --data "$data" >"$work/events.jsonl" \
		2>"$work/events.err" && json_says "$work/events.jsonl" "$1"
}

# What the agent and the collector say of themselves: what a stage took is out, waiting or dropped.
every_stage_accounts() {
	"$weir" status --json --data "$data" >"$work/status.json" && json_says "$work/status.json" \
		"all(len(d[who]['stages']) >= 4 and all(s['in'] == s['out'] + s['waiting'] + s['dropped']
			for s in d[who]['stages']) for who in ('agent', 'collector'))
		and next(s['out'] for s in d['agent']['stages'] if s['name'] == 'events') > 0"
}

then_every_stage_accounts_for_all_it_took() {
	then_it "every stage accounts for all that it took" every_stage_accounts
}

# soon WHAT SAY EXPRESSION: a test that EXPRESSION comes true within 30 s.
soon() {
	local what=$1

	shift
	if eventually 30 "$@" 2>/dev/null >&2; then
		ok "$what"
	else
		not_ok "$what"
		"$@" 2>&1 | show_start
	fi
}

# Events that say that somebody touched customer data.
# shellcheck disable=SC2034 # for the scenarios
labelled="[e for e in d if e['kind'] in ('edge', 'flow', 'egress', 'crm_access', 'file_rename',
	'file_unlink', 'file_truncate', 'process_exit', 'coverage_gap')]"

# weir_wrote_nothing_of FILE.csv: no value of a table of customers stands in anything that Weir
# wrote: store, spool, keys, status, log and live lines, and what it printed here. Ask it when Weir
# has stopped: whoever reads the table is labelled.
weir_wrote_nothing_of() {
	local wrote=("$data" "$weir_log" "$weir_live")

	for printed in "$work"/{incidents.json,events.jsonl,replay.jsonl,show.txt,show-zh.txt,status.json}; do
		[ -e "$printed" ] && wrote+=("$printed")
	done
	# Product, premium and dates are anybody's; number, name, telephone and address are theirs.
	"$python" -c 'import csv, sys
for row in csv.reader(open(sys.argv[1], encoding="utf-8")):
    print(*(value for value in row if value[:1] == "P" or value.startswith("139") or
            not value.isascii() or value.endswith("Shanghai")), sep="\n")' "$1" |
		sort -u >"$work/values.txt"
	[ "$(wc -l <"$work/values.txt")" -ge 10 ] && [ -n "$(find "$data" -name 'record.key')" ] &&
		not env LC_ALL=C grep -raFf "$work/values.txt" "${wrote[@]}"
}

# weir_was_awake: the other side of every silence. One lookup must be seen, and as the end of its
# program is told after all that moved before, $work/events.jsonl then holds everything.
weir_was_awake() {
	alice_does <<-'END'
		curl -sS -o awake.json https://crm.test/policy/P2020555555
	END
	soon "all the while the sensor was awake: one lookup is seen" \
		events_say "{e['app']['id'] for e in d if e['kind'] == 'process_exit'} &
			{e['app']['id'] for e in d if str(e['object']['name']).endswith('/awake.json')}"
}
