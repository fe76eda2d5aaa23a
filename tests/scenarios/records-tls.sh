#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How many customers it was when no file tells. Tables are made in memory and leave through pipes and
# encrypted connections; what a labelled program writes is counted on its way, as in a file.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
for host in pan.test im.test shop.test; do cloud_serves "$host"; done
for host in mail.test meet.test; do store_serves "$host" 9000; done
alice_has_a_list_to_look_up 20
cat >"$home/post.py" <<'END'
import csv, http.client, io, json, ssl, sys
table = io.StringIO()
rows = csv.writer(table)
for line in open("rows.json"):
    rows.writerow(json.loads(line).values())
trust = ssl.create_default_context(cafile=".tls.crt")
connection = http.client.HTTPSConnection(sys.argv[1], context=trust)
connection.request("POST", "/upload", table.getvalue().encode())
assert connection.getresponse().status == 200
END
cat >"$home/request.py" <<'END'
import sys
body = sys.stdin.buffer.read()
sys.stdout.buffer.write(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
sys.stdout.buffer.write(body)
END
weir_watches

# records_to RECIPIENT EXPRESSION: over r, the records of the incident with that recipient.
records_to() {
	incidents_say "[True for i in d if (i['sinks'][0]['name'] or i['sinks'][0]['address']) == '$1' for r in [i['records']] if $2] == [True]"
}

say "twenty lookups"
alice_does <<'END'
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <policies.txt
/usr/bin/python3 rows.py >list.csv
END

say "a table that was never a file, through a pipe to an upload by OpenSSL (curl)"
alice_does <<'END'
/usr/bin/python3 rows.py | curl -sS --data-binary @- https://pan.test/upload
END
soon "twenty records exactly" records_to pan.test "r == {'value': 20, 'certainty': 'exact'}"
soon "of what was read before it was encrypted" \
	events_say "any(e['kind'] == 'records' and e['object'].get('zone') == 'pan.test'
		and e['certainty'] == 'exact' and 'encrypted' in (e.get('detail') or '') for e in d)"

say "the same in one program, by OpenSSL (python)"
alice_does <<'END'
/usr/bin/python3 post.py im.test
END
soon "twenty records exactly" records_to im.test "r == {'value': 20, 'certainty': 'exact'}"

say "two uploads by GnuTLS: the first brings the library to notice"
alice_does <<'END'
head -n 3 list.csv | /usr/bin/python3 request.py >first.http
/usr/bin/python3 request.py <list.csv >second.http
for request in first second; do
	{ cat $request.http; sleep 1; } |
		gnutls-cli --x509cafile .tls.crt -p 443 shop.test >$request.out
done
END
soon "all records of the second were read before they were encrypted" \
	events_say "any(e['kind'] == 'records' and e['object'].get('zone') == 'shop.test' and 'gnutls' in e['app']['exe']
		and any(c['record'] == 'policy-number' and c['different'] == 20 for c in e['records']['counts']) for e in d)"

say "and two by NSS (tstclnt), which waits for more when the answer has come"
alice_does <<'END'
for request in first second; do
	timeout 4 tstclnt -D -o -h shop.test -p 443 <$request.http >$request.out 2>&1 || [ $? = 124 ]
done
END
soon "all records of the second were read before they were encrypted" \
	events_say "any(e['kind'] == 'records' and e['object'].get('zone') == 'shop.test' and 'tstclnt' in e['app']['exe']
		and any(c['record'] == 'policy-number' and c['different'] == 20 for c in e['records']['counts']) for e in d)"

say "a table through a pipe, to a peer who takes it unencrypted"
alice_does <<'END'
/usr/bin/python3 rows.py | nc -N mail.test 9000
END
soon "twenty records exactly" records_to mail.test "r == {'value': 20, 'certainty': 'exact'}"
soon "the pipe's records were read as well" \
	events_say "any(e['kind'] == 'records' and e['object']['kind'] == 'pipe' and e['certainty'] == 'exact' for e in d)"

say "the table packed in a pipe"
alice_does <<'END'
/usr/bin/python3 rows.py | gzip | nc -N meet.test 9000
END
soon "an estimate, by the lookups: nobody can read that" \
	records_to 10.77.0.50 "18 <= r['value'] <= 22 and r['certainty'] == 'estimated'"

then_it "who reads it sees 20 records and that they are exact" \
	bash -c '"$0" incidents --data "$1" | grep -q "20 exact"' "$weir" "$data"
then_every_stage_accounts_for_all_it_took

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
then_it "no number, name or address of a customer is in anything that Weir wrote" \
	weir_wrote_nothing_of "$home/list.csv"
