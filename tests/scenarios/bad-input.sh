#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is wrong at the start is said in one clear line, with a failing exit status and no sensor
# left behind; what goes wrong on the way is a marked gap.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

pin_dir=/sys/fs/bpf/weir-scenario
pins() { # of every sensor there is
	ls -d "$pin_dir" /sys/fs/bpf/weir/run-* 2>/dev/null
}
pins_before=$(pins)

# refuses WHAT PATTERN COMMAND...: COMMAND fails soon, and its stderr is one line with PATTERN.
refuses() {
	local what=$1 pattern=$2 status

	shift 2
	timeout --kill-after=5 40 "$@" >"$work/refused.out" 2>"$work/refused.err" </dev/null 9>&-
	status=$?
	if [ "$status" -ne 0 ] && [ "$status" -lt 124 ] && grep -qE "$pattern" "$work/refused.err" &&
		[ "$(wc -l <"$work/refused.err")" -eq 1 ]; then
		ok "$what"
	else
		not_ok "$what"
		echo "#   exit $status, expected one line with: $pattern"
		head -n 20 "$work/refused.err" | sed 's/^/#   /'
	fi
}

say "policies"
refuses "a policy that is not there" "no-such\.conf: cannot be read: No such file" \
	"$weir" run --policy "$work/no-such.conf" --data "$work/d1"
mkdir "$work/folder.conf"
refuses "a policy that cannot be read" "folder\.conf: cannot be read" \
	"$weir" run --policy "$work/folder.conf" --data "$work/d1"
sed '0,/^class = policy.property$/s//class = policy.propertey/' "$policy" >"$work/wrong.conf"
line=$(grep -n 'policy.propertey' "$work/wrong.conf" | head -n 1 | cut -d: -f1)
refuses "a policy with a class that is not defined, at its line" \
	"wrong\.conf:$line: .*did you mean \"policy\.property\"" \
	"$weir" run --policy "$work/wrong.conf" --data "$work/d1"
refuses "the same by weir policy check" "wrong\.conf:$line: .*did you mean" \
	"$weir" policy check "$work/wrong.conf"
refuses "the same by the agent alone" "wrong\.conf:$line: .*did you mean" \
	"$build/weir-agent" --policy "$work/wrong.conf" --data "$work/d1"
refuses "the same by the collector alone" "wrong\.conf:$line: .*did you mean" \
	"$build/weir-collector" --policy "$work/wrong.conf" --data "$work/d1"

say "rights and the kernel"
install -m 0755 "$weir" "$build/weir-agent" "$work/"
refuses "no root" "needs root" \
	setpriv --reuid=1001 --regid=1001 --clear-groups "$work/weir" run \
	--policy "$work/policy.conf" --data "$home/data"
install -m 0644 "$policy" "$work/policy.conf"
refuses "no root with a good policy" "needs root" \
	setpriv --reuid=1001 --regid=1001 --clear-groups "$work/weir" run \
	--policy "$work/policy.conf" --data "$home/data"
refuses "no root for the agent alone" "needs root" \
	setpriv --reuid=1001 --regid=1001 --clear-groups "$work/weir-agent" \
	--policy "$work/policy.conf" --data "$home/data"

say "a data folder, a port and certificates that are not to be had"
touch "$work/file"
refuses "a data folder that is a file" "$work/file" \
	"$weir" run --policy "$policy" --data "$work/file"
crm_serves crm.test
weir_watches --quiet
refuses "a data folder in use" "another weir run .*uses $data" \
	"$weir" run --policy "$policy" --data "$data"
port=$(ss -Hltnp 'src = 127.0.0.1' | awk '/weir-collector|"weir"/ { sub(/.*:/, "", $4); print $4; exit }')
refuses "a port in use" "127\.0\.0\.1 port $port: Address already in use" \
	"$build/weir-collector" --policy "$policy" --data "$work/d2" --identity "$data/identity" \
	--listen "127.0.0.1:$port"
for btf in "$work/no-such-btf" "$work/file"; do
	refuses "no type information of the kernel (BTF) in $(basename "$btf")" \
		"no kernel type information.*$btf|$btf holds no kernel type information" \
		"$build/weir-agent" --policy "$policy" --data "$work/d3" --identity "$data/identity" \
		--pin-dir "$pin_dir" --agent-id "$(hostname)" --btf "$btf"
done

say "a damaged store"
alice_does <<'END'
curl -sS -o row.json https://crm.test/policy/P2020111111
END
soon "a lookup is stored" events_say "any(e['kind'] == 'crm_access' for e in d)"
weir_stops
segment=$(find "$data/collector" -name 'events-*.db' | sort | head -n 1)
before=$("$weir" replay --format jsonl --data "$data" | wc -l)
then_it "events are there before ($before)" test "$before" -gt 0
dd if=/dev/urandom of="$segment" bs=1k count=64 conv=notrunc status=none
weir_watches --quiet
soon "weir runs on, and the damage is a loss on the timeline" \
	events_say "any(e['kind'] == 'loss' for e in d)"
alice_does <<'END'
curl -sS -o row.json https://crm.test/policy/P2020222222
END
soon "new events are stored" events_say "any(e['kind'] == 'crm_access' and e['bytes'] > 0 for e in d)"
then_it "the damaged segment is kept aside, not deleted" \
	bash -c 'find "$0" -name "$1*" | grep -q .' "$data/collector" "$(basename "$segment" .db)"
weir_stops

say "a certificate of a stranger, with agent and collector as daemons"
data=$work/stranger
weir_watches --quiet
weir_stops
data=$work/data
name=$(cat "$data/agent/id")
says() { # PATTERN FILE
	grep -qE "$1" "$2"
}
collector_is_there() {
	[ -n "$(ss -Hltn "src = 127.0.0.1:$port")" ]
}
"$build/weir-collector" --policy "$policy" --data "$data" --identity "$data/identity" \
	--listen "127.0.0.1:$port" >/dev/null 2>"$work/collector.log" </dev/null 9>&- &
server_pids+=($!)
eventually 20 collector_is_there || give_up "the collector listens: $(cat "$work/collector.log")"
agent_starts() { # IDENTITY LOG
	"$build/weir-agent" --policy "$policy" --data "$data" --identity "$1" --agent-id "$name" \
		--collector "127.0.0.1:$port" --pin-dir "$pin_dir" --unpin-at-exit \
		>/dev/null 2>"$2" </dev/null 9>&- &
	agent=$!
}
lookups_are() { # N: programs that looked something up
	events_say "len({e['app']['id'] for e in d if e['kind'] == 'crm_access'}) == $1"
}
# The agent sent what the damaged segment lost once more, if it still had it.
lookups=1
lookups_are 2 >/dev/null && lookups=2
agent_starts "$work/stranger/identity" "$work/stranger.log"
then_it "the agent says in one line why it has no collector" \
	eventually 30 says "no collector: .*(certificate|authority|verif)" "$work/stranger.log"
alice_does <<'END'
curl -sS -o row.json https://crm.test/policy/P2020333333
END
end_process "$agent"
then_it "nothing of it has been taken" lookups_are "$lookups"
agent_starts "$data/identity" "$work/agent.log"
soon "with the right one, what was seen meanwhile has not been lost" \
	lookups_are $((lookups + 1))
end_process "$agent"
then_it "no sensor is left behind" test "$(pins)" = "$pins_before"
