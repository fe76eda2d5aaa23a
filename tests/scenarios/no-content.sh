#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Counts and keyed fingerprints, and nothing else. Customer data goes through files, pipes, an
# unencrypted and an encrypted connection while Weir counts it; then all that Weir has written is
# searched for it, and the kernel's tables, too. Nobody but root can look at them. An agent that
# crashes leaves no core.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

tables= # of this sensor
ulimit -c unlimited || give_up "cores may be dumped"
crm_serves crm.test
cloud_serves pan.test
store_serves mail.test 9000
alice_has_a_list_to_look_up 20
weir_watches
tables=$(find /sys/fs/bpf/weir -maxdepth 1 -name 'run-*' -newer "$work/policies.txt" | head -n 1)
[ -n "$tables" ] || give_up "the sensor's tables are found"

# The values of all tables of the sensor as they are, one file a table.
tables_are_dumped() {
	local table

	mkdir -p "$work/tables"
	for table in "$tables"/*; do
		case ${table##*/} in
		# What is attached; and two arrays of numbers that are large.
		link_* | slot_* | open_hints | closed) continue ;;
		esac
		bpftool -j map dump pinned "$table" >"$work/table.json" 2>/dev/null || continue
		"$python" - "$work/table.json" "$work/tables/${table##*/}" <<-'END' || return 1
			import json, sys
			entries = json.load(open(sys.argv[1]))
			with open(sys.argv[2], "wb") as out:
			    for entry in entries if isinstance(entries, list) else []:
			        for part in ("key", "value"):
			            if isinstance(entry.get(part), list):
			                out.write(bytes(int(byte, 16) for byte in entry[part]))
		END
	done
	[ -s "$work/tables/records_found" ] && [ -s "$work/tables/record_streams" ] &&
		[ -s "$work/tables/flows" ]
}

# The values of the table of customers that are theirs, see weir_wrote_nothing_of().
no_table_holds_a_value() {
	"$python" -c 'import csv, sys
for row in csv.reader(open(sys.argv[1], encoding="utf-8")):
    print(*(value for value in row if value[:1] == "P" or value.startswith("139") or
            not value.isascii() or value.endswith("Shanghai")), sep="\n")' "$home/list.csv" |
		sort -u >"$work/values.txt"
	[ "$(wc -l <"$work/values.txt")" -ge 10 ] &&
		not env LC_ALL=C grep -raFf "$work/values.txt" "$work/tables"
}

# nobody_else COMMAND...: it fails for a user who is not root, and says why.
nobody_else() {
	"$@" >/dev/null 2>&1 && not setpriv --reuid="$employee_uid" --regid="$employee_uid" \
		--clear-groups --inh-caps=-all "$@"
}

# crashes_dump_cores: for anybody else, on this machine.
crashes_dump_cores() {
	(cd "$work" && "$python" -c 'import os, signal, sys
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGSEGV)
sys.exit(not os.WCOREDUMP(os.waitpid(child, 0)[1]))')
}

agent_pid() {
	pgrep --parent "$weir_pid" --exact weir-agent
}

there_is_another_agent() { # than PID
	local pid

	pid=$(agent_pid) && [ "$pid" != "$1" ]
}

says_how_it_died() {
	grep -q 'weir-agent was killed by signal 11' "$weir_log"
}

say "customer data through a file, pipes, an open and an encrypted connection"
alice_does <<'END'
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <policies.txt
/usr/bin/python3 rows.py >list.csv
nc -N mail.test 9000 <list.csv
/usr/bin/python3 rows.py | curl -sS --data-binary @- https://pan.test/upload
END
# Its last act lives on, so that its tables are there to be looked at.
alice dash -c '/usr/bin/python3 rows.py | { cat; sleep 600; } | { cat; sleep 600; } |
	nc mail.test 9000' >/dev/null 2>&1 </dev/null &
server_pids+=($!)
soon "all of it is counted" \
	events_say "{e['object']['kind'] for e in d if e['kind'] == 'records' and e['certainty'] == 'exact'}
		>= {'file', 'pipe', 'socket'}"

then_it "root can dump the sensor's tables" tables_are_dumped
then_it "somebody else cannot" nobody_else bpftool map dump pinned "$tables/record_streams"
then_it "nor ask the kernel for them" nobody_else bpftool map show
then_it "nor list what is there" nobody_else ls "$tables"
then_it "nor read what the agent writes" nobody_else ls "$data/agent"
then_it "nor its key" nobody_else cat "$data/agent/record.key"

if crashes_dump_cores; then
	crashed=$(agent_pid) || give_up "weir runs an agent"
	kill -SEGV "$crashed"
	then_it "weir says that the agent crashed" eventually 30 says_how_it_died
	then_it "its memory was dumped nowhere" not grep -q 'its memory was dumped' "$weir_log"
	then_it "another agent goes on" eventually 30 there_is_another_agent "$crashed"
else
	say "nobody's memory is dumped on this machine, so the agent's is not either"
fi
"$weir" status --data "$data" --json >"$work/status.json"
"$weir" incidents --data "$data" --json >"$work/incidents.json"

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
then_it "no number, name or address of a customer is in any table of the kernel" \
	no_table_holds_a_value
then_it "nor in anything that Weir wrote" weir_wrote_nothing_of "$home/list.csv"
