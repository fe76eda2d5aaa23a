#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel could not keep is told once, whichever agent is running: the next one does not
# tell it again, and tells what was lost while there was none.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
weir_watches --quiet

agent_pid() {
	pgrep --parent "$weir_pid" --exact weir-agent
}

there_is_another_agent() { # than PID
	local pid

	pid=$(agent_pid) && [ "$pid" != "$1" ]
}

agent_is_killed() {
	last_agent=$(agent_pid) || give_up "weir runs an agent"
	kill -KILL "$last_agent"
}

# One more than are followed of an app.
cat >"$home/map-much.py" <<'END'
import mmap, tempfile
maps = []
for i in range(1025):
    with tempfile.TemporaryFile(dir=".") as file:
        file.truncate(4096)
        maps.append(mmap.mmap(file.fileno(), 4096))
END

alice_maps_too_much() {
	alice_does <<-'END'
		/usr/bin/python3 map-much.py
	END
}

# losses_say EXPRESSION: over d["lost"], what the kernel counts, and d["told"], what events say.
losses_say() {
	"$weir" status --json --data "$data" >"$work/status.json" && events_say True &&
		"$python" - "$work" >"$work/losses.json" <<-'END' && json_says "$work/losses.json" "$1"
			import json, sys
			status = json.load(open(sys.argv[1] + "/status.json"))
			events = map(json.loads, open(sys.argv[1] + "/events.jsonl"))
			print(json.dumps({
			    "lost": status["agent"]["losses"]["mappings_full"],
			    "told": sum(e["dropped"] for e in events
			                if e["kind"] == "loss" and "shared mappings" in e["detail"])}))
		END
}

alice_maps_too_much
soon "a mapping too many is told" losses_say "d['told'] == d['lost'] == 1"

agent_is_killed
then_it "weir starts another agent" eventually 30 there_is_another_agent "$last_agent"
weir_was_awake
soon "which does not tell it again" losses_say "d['told'] == d['lost'] == 1"

say "the agent is killed, and none follows until more was lost"
kill -STOP "$weir_pid"
agent_is_killed
alice_maps_too_much
kill -CONT "$weir_pid"
then_it "weir starts another agent" eventually 30 there_is_another_agent "$last_agent"
soon "which tells what was lost meanwhile, and no more" losses_say "d['told'] == d['lost'] == 2"

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
