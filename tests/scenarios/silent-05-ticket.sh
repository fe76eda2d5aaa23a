#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To be left alone: a clerk copies the policy number of the customer on the telephone and pastes it
# into a ticket of the company's own ticket system.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs Xvfb xclip
set_the_stage
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"

# alice_pastes_to HOST: as the text of what she writes there.
alice_pastes_to() {
	alice_does <<-END
		DISPLAY=$screen xclip -selection clipboard -o </dev/null |
			curl -sS --data-binary @- https://$1/new
	END
}

crm_serves crm.test
cloud_serves tickets.corp
cloud_serves pan.test
alice_has_a_screen
weir_watches

alice_does <<'END'
curl -sS https://crm.test/policy/P2020123456 >customer.json
cut -d '"' -f 4 <customer.json >number.txt
END
alice_copies clipboard number.txt
alice_pastes_to tickets.corp
bytes=$(stat -c %s "$home/number.txt")
then_it "the ticket has the number ($bytes bytes)" eventually 10 test "$(received_bytes tickets.corp)" -eq "$bytes"
soon "the way from the CRM by the clipboard to the ticket is known, as a trusted one" \
	events_say "any(e['object']['kind'] == 'clipboard' and e['direction'] == 'in' and e['bytes'] == $bytes for e in d)
		and {e['object']['role'] for e in d if e['object'].get('zone') == 'tickets.corp' and e['labels']} == {'trusted'}"
then_it "no egress" events_say "not [e for e in d if e['kind'] == 'egress']"
then_it "no incident" incidents_say "d == []"

say "the other side of the silence: the same paste into a page outside"
alice_pastes_to pan.test
soon "that is an incident, and the ticket has no part in it" \
	incidents_say "len(d) == 1 and [s['name'] for s in d[0]['sinks']] == ['pan.test']
		and 'tickets' not in str(d[0]['lineage'])"
