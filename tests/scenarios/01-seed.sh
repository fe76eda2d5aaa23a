#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The seed. An outsider sends sixty policy numbers over a chat; an employee looks each one up in the
# CRM, fills the answers into a table and sends it back over the same chat.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
make_policy_list "$work/policies.txt" 60
chat_serves im.test "$work/policies.txt"
weir_watches

# live_says_at_last TEXT: in the last line of the incident.
live_says_at_last() {
	grep '^incident 1 ' "$weir_live" | tail -n 1 | grep -qF "$1"
}

say "the outsider's list arrives"
alice_does <<'END'
nc im.test 5222 </dev/null >policies.txt
END
then_it "the list has arrived whole" test "$(stat -c %s "$home/policies.txt")" -eq \
	"$(stat -c %s "$work/policies.txt")"

say "sixty lookups in that order, and a table of the answers"
alice_does <<'END'
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <policies.txt
END
cat >"$home/fill-in.py" <<'END'
import csv, json
with open("out.csv", "w", newline="") as table:
    rows = csv.writer(table)
    for number, row in zip(open("policies.txt"), open("rows.json")):
        rows.writerow([number.strip(), *json.loads(row).values()])
END
alice_does <<'END'
/usr/bin/python3 fill-in.py
END

say "the table goes back to the same peer"
alice_does <<'END'
nc -N im.test 5222 <out.csv
END
eventually 10 test "$(stat -c %s "$home/out.csv")" -eq "$(received_bytes im.test)"
sent=$(received_bytes im.test)
then_it "im.test has received the table ($sent bytes)" test "$sent" -eq \
	"$(stat -c %s "$home/out.csv")"

soon "one incident, and it is critical" \
	incidents_say "len(d) == 1 and d[0]['severity'] == 'critical'"
soon "it is a round trip and a direct egress" \
	incidents_say "{'round_trip', 'direct_egress'} <= set(d[0]['detectors'])"
soon "bytes out are what im.test received, to the byte" \
	incidents_say "d[0]['bytes_out'] == $sent"
soon "sixty records, counted exactly" \
	incidents_say "d[0]['records'] == {'value': 60, 'certainty': 'exact'}"
soon "by policy number, and by mobile number each different one once" \
	incidents_say "[c['records'] for c in d[0]['counts'] if c['record'] == 'policy-number'] == [60]
		and [c['record'] for c in d[0]['counts']] == ['policy-number', 'mobile']"
soon "they are the list's sixty, in the list's order" \
	incidents_say "any('60 of the 60 policy numbers in the list from im.test went to im.test, in the same order (exact)' in a['reason']
		for a in d[0]['addends'] if a['detector'] == 'round_trip')"
soon "a round trip: origin equals destination, to the address" \
	incidents_say "any('to the same im.test (10.77.0.20): the data\\'s origin equals its destination' in a['reason'] for a in d[0]['addends'])"
soon "the live lines had an estimate, and correct it" \
	live_says_at_last "60 records (exact)"
soon "it went to im.test and nowhere else" \
	incidents_say "[s['name'] for s in d[0]['sinks']] == ['im.test'] and d[0]['sinks'][0]['bytes'] == $sent"
soon "it came from the CRM" \
	incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'}"
soon "the origin of what was sent equals its destination" \
	events_say "any(e['kind'] == 'egress' and e['bytes'] and 'im.test' in e['origins'] and e['object'].get('zone') == 'im.test' for e in d)"
soon "one person, under a pseudonym" \
	incidents_say "len(d[0]['persons']) == 1 and d[0]['persons'][0].startswith('P-')"
soon "the steps of the lineage are in it, from nc over curl and python to nc" \
	incidents_say "{'curl', 'python3', 'nc'} <= {s['app']['exe'].rsplit('/', 1)[-1].split('.')[0].rstrip('.0123456789').replace('python', 'python3') for s in d[0]['lineage']}"
soon "techniques are named" \
	incidents_say "'T1213.004' in d[0]['attack'] and any(a.startswith(('T1048', 'T1567')) for a in d[0]['attack'])"

number=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["id"])' "$work/incidents.json")
"$weir" show "$number" --data "$data" >"$work/show.txt" 2>&1
then_it "it is told in a paragraph with destination and bytes" \
	grep -q 'im\.test' "$work/show.txt"
"$weir" show "$number" --lang zh --data "$data" >"$work/show-zh.txt" 2>&1
then_it "and in Chinese" grep -qP '\p{Han}' "$work/show-zh.txt"
then_it "with its records in both" \
	bash -c 'grep -q "60 records (exact)" "$0" && grep -q "60 条记录（精确）" "$1"' \
	"$work/show.txt" "$work/show-zh.txt"
then_it "with the list and its order in both" \
	bash -c 'tr "\n" " " <"$0" | grep -q "in the same order (exact)" && tr -d "\n " <"$1" | grep -q "60个被发往im.test，顺序相同"' \
	"$work/show.txt" "$work/show-zh.txt"
then_it "with no name and no row of a customer in either" \
	not grep -qE 'alice|1390000|Shanghai' "$work/show.txt" "$work/show-zh.txt" "$work/incidents.json"
"$weir" replay --incident "$number" --format jsonl --speed 0 --data "$data" >"$work/replay.jsonl"
then_it "its replay goes in order of time from the list to the egress" \
	json_says "$work/replay.jsonl" "[e['time_ns'] for e in d] == sorted(e['time_ns'] for e in d)
		and any(e['kind'] == 'crm_access' for e in d) and any(e['kind'] == 'egress' for e in d)"
then_it "the replay as text tells the same" \
	bash -c '"$0" replay --incident "$1" --speed 0 --data "$2" | grep -q im.test' "$weir" "$number" "$data"
then_every_stage_accounts_for_all_it_took

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
then_it "the mobile numbers are as many as there are different ones in the table" \
	incidents_say "[c['records'] for c in d[0]['counts'] if c['record'] == 'mobile'] ==
		[$(cut -d, -f4 "$home/out.csv" | sort -u | wc -l)]"
then_it "no number, name or address of a customer is in anything that Weir wrote" \
	weir_wrote_nothing_of "$home/out.csv"
