#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The disk. Customer rows are copied to a USB stick, the source is removed, the stick is pulled out.
# A hundred days later the same stick is in another port, and is torn out while it is mounted.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage
# shellcheck source=tests/support/stick.sh
. "$root/tests/support/stick.sh"

serial=4C530001230101114273
disk="USB disk $stick_called $serial"

crm_serves crm.test
weir_watches

stick_is_formatted "$work/stick.img"
stick_is_plugged_in "$work/stick.img" 1-2 "$serial"
alice_does <<'END'
for number in 1 2 3 4 5 6 7 8 9 10; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
cp customers.json usb/holiday.json
rm customers.json
END
first=$(stat -c %s "$stick_mount/holiday.json")
then_it "the rows are on the stick" test "$first" -gt 1000
stick_is_pulled_out

soon "one incident" incidents_say "len(d) == 1"
soon "customer data on a removable disk, with the source removed" \
	incidents_say "{'direct_egress', 'removable_media', 'clean_up'} <= set(d[0]['detectors'])"
soon "it went to the stick, known by maker, model and serial" \
	incidents_say "[(s['name'], s['kind']) for s in d[0]['sinks']] == [('$disk', 'usb')]"
soon "exactly the bytes of the copy" \
	incidents_say "d[0]['bytes_out'] == $first and d[0]['bytes_certainty'] == 'exact'"
soon "it came from the CRM, some ten records" \
	incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'} and 9 <= d[0]['records']['value'] <= 11"
soon "its technique is that of USB, not of the network" \
	incidents_say "'T1052.001' in d[0]['attack'] and 'T1048' not in d[0]['attack']"
soon "the lineage ends with cp on the stick" \
	incidents_say "any(s['app']['exe'].endswith('/cp') and s['direction'] == 'out' and s['object'].get('zone') == '$disk' for s in d[0]['lineage'])"
then_it "every egress tells the disk's facts" events_say \
	"{(e['object']['vendor'], e['object']['model'], e['object']['serial']) for e in d if e['kind'] == 'egress'} == {('$stick_vendor', '$stick_model', '$serial')}"
"$weir" show 1 --lang en --data "$data" >"$work/show.en" 2>&1
"$weir" show 1 --lang zh --data "$data" >"$work/show.zh" 2>&1
tr -s ' \n' ' ' <"$work/show.en" >"$work/show.en.line"
tr -d ' \n' <"$work/show.zh" >"$work/show.zh.line"
then_it "it is told in English" \
	grep -q "onto a USB disk: vendor $stick_vendor, model $stick_model, serial $serial" "$work/show.en.line"
then_it "it is told in Chinese" \
	grep -q "USB磁盘：厂商${stick_vendor}，型号${stick_model// /}，序列号$serial" "$work/show.zh.line"

say "a hundred days later"
weir_stops
LATER_DAYS=100 LD_PRELOAD=$(realpath "$build/tests/scenarios/later/later.so") weir_watches

stick_is_plugged_in "$work/stick.img" 1-4 "$serial"
alice_does <<'END'
curl -sS https://crm.test/policy/P2020700011 >more.json
cp more.json usb/more.json
END
second=$(stat -c %s "$stick_mount/more.json")
stick_is_torn_out

soon "a second incident: the first one's time is long over" incidents_say "len(d) == 2"
soon "the same disk, by its serial" \
	incidents_say "[[s['name'] for s in i['sinks']] for i in d] == [['$disk']] * 2 and d[0]['bytes_out'] == $second"
soon "and it says so, and that weighs" \
	incidents_say "any(a['detector'] == 'removable_media' and 'incident 1 ' in a['reason'] and a['points'] == 15 for a in d[0]['addends'])"
then_it "the first one knows of nothing earlier" \
	incidents_say "not any('had taken' in a['reason'] for a in d[1]['addends'])"
then_every_stage_accounts_for_all_it_took
