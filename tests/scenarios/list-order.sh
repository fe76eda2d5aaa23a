#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The list that comes back. Of the numbers in a list that an outsider sent, Weir says how many are in
# the answer and whether in the list's order. A list that nobody answers is nobody's business: it is
# not read, and nothing is told of it.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
make_policy_list "$work/tombola.txt" 30
make_policy_list "$work/policies.txt" 20
chat_serves im.test "$work/tombola.txt"
chat_serves mail.test "$work/policies.txt"
cloud_serves pan.test
weir_watches

say "numbers of a tombola arrive over a chat, and are read"
alice_does <<'END'
nc im.test 5222 </dev/null >tombola.txt
sort tombola.txt >sorted.txt
END
weir_was_awake
then_it "nothing is told of them" \
	json_says "$work/events.jsonl" "not [e for e in d if 'tombola' in str(e['object']['name']) or e['kind'] == 'records']"

say "twenty policy numbers arrive by mail; all but two are looked up, and the answers sent back by name"
alice_does <<'END'
nc mail.test 5222 </dev/null >policies.txt
head -n 18 policies.txt >queue.txt
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <queue.txt
sort rows.json >answer.json
nc -N mail.test 5222 <answer.json
END
soon "one incident, a round trip with eighteen records exactly" \
	incidents_say "len(d) == 1 and 'round_trip' in d[0]['detectors'] and d[0]['records'] == {'value': 18, 'certainty': 'exact'}"
soon "eighteen of the list's numbers came back, in another order" \
	incidents_say "[a['reason'] for a in d[0]['addends'] if 'in the list from' in a['reason']] ==
		['18 of the 20 policy numbers in the list from mail.test went to mail.test, in another order (exact).']"
soon "the list was counted, with its peer and no class" \
	events_say "[(e['records']['counts'], e['labels'], e['origins']) for e in d if e['kind'] == 'records'
		and e['object']['name'].endswith('/policies.txt')] == [([{'record': 'policy-number', 'different': 20}], [], ['mail.test'])]"
say "and the same answers go to a cloud disk, where nobody had asked"
alice_does <<'END'
curl -sS -T answer.json https://pan.test/answer.json
END
soon "that is no round trip, and yet the answer to that list" \
	incidents_say "[[a['detector'] for a in i['addends'] if 'in the list from mail.test went to pan.test' in a['reason']]
		for i in d if i['sinks'][0]['name'] == 'pan.test'] == [['direct_egress']]"
then_it "of the tombola there is still no word" \
	json_says "$work/events.jsonl" "not [e for e in d if 'tombola' in str(e['object']['name'])]"

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
then_it "no number of either list is in anything that Weir wrote" \
	not env LC_ALL=C grep -raFf "$work/tombola.txt" "$data" "$weir_log" "$weir_live"
