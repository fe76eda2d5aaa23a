#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The agent is killed with kill -9 in the middle of a transfer, which goes on meanwhile. The kernel
# keeps counting; afterwards the bytes are exact and the gap stands on the timeline.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
store_serves pan.test 9000
weir_watches --quiet

agent_pid() {
	pgrep --parent "$weir_pid" --exact weir-agent
}

there_is_another_agent() { # than PID
	local pid

	pid=$(agent_pid) && [ "$pid" != "$1" ]
}

has_received() { # BYTES
	[ "$(received_bytes pan.test)" -ge "$1" ]
}

alice_does <<'END'
curl -sS -o scans.bin https://crm.test/attachment/6000000/0
END
soon "what was downloaded is known to the byte" \
	events_say "sum(e['bytes'] for e in d if (e['object']['name'] or '').endswith('/scans.bin') and e['direction'] == 'out') == 6000000"

cat >"$home/send-slowly.py" <<'END'
import socket, time
with open("scans.bin", "rb") as scans, socket.create_connection(("pan.test", 9000)) as peer:
    while piece := scans.read(50021):
        peer.sendall(piece)
        time.sleep(0.1)
END
say "twelve seconds of transfer, and after a third of it the agent is killed"
alice /usr/bin/python3 send-slowly.py </dev/null >"$work/send.out" 2>&1 &
sender=$!
eventually 30 has_received 2000000 || give_up "the transfer begins: $(cat "$work/send.out")"
first_agent=$(agent_pid) || give_up "weir runs an agent"
kill -KILL "$first_agent"
killed_at_ns=$(date +%s%N)
at_kill=$(received_bytes pan.test)
then_it "weir starts another agent" eventually 30 there_is_another_agent "$first_agent"
then_it "the kill came in the middle ($at_kill of 6000000 bytes)" test "$at_kill" -lt 6000000
wait "$sender"
then_it "the transfer ends well" test $? -eq 0
then_it "pan.test has received all of it" test "$(received_bytes pan.test)" -eq 6000000

soon "the egress is exact to the byte, over the kill" \
	events_say "sum(e['bytes'] for e in d if e['kind'] == 'egress' and e['object'].get('zone') == 'pan.test') == 6000000"
soon "and so is the reading of the file" \
	events_say "sum(e['bytes'] for e in d if (e['object']['name'] or '').endswith('/scans.bin') and e['direction'] == 'in' and 'python' in (e['app']['exe'] or '')) == 6000000"
soon "one incident over all of it, with every byte" \
	incidents_say "len(d) == 1 and d[0]['bytes_out'] == 6000000"
soon "the gap stands on the timeline, around the kill" \
	events_say "any(e['kind'] == 'agent_gap' and e['time_ns'] <= $killed_at_ns <= e['gap_end_ns'] for e in d)"
soon "the numbers of the agent's events have no hole" \
	events_say "sorted(e['seq'] for e in d) == list(range(1, len(d) + 1))"
then_it "weir says what happened, in one line" \
	test "$(grep -c 'weir-agent was killed by signal 9' "$weir_log")" -eq 1
then_it "weir status says how the sensor is attached" \
	grep -qE '^ +attach mode +(tp_btf|perf)$' <("$weir" status --data "$data")
then_it "and that the programs, which the first agent had loaded, missed no call" \
	grep -qE '^ +losses programs missed +0$' <("$weir" status --data "$data")
then_every_stage_accounts_for_all_it_took

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
