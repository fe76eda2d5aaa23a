#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Clipboard, on a desktop of Wayland. What the CRM answers is copied in one program and pasted in
# another one, by a pipe that the compositor only passes on; by the primary selection; out of a
# clipboard manager, when who has copied is gone; and both ways between Wayland and X11, where the
# compositor has it in its own hands.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs sway wl-copy wl-paste clipman Xwayland xterm xclip
set_the_stage
# shellcheck source=tests/support/desktop.sh
. "$root/tests/support/desktop.sh"

# alice_has_a_desktop: a compositor, and a clipboard manager.
alice_has_a_desktop() {
	alice_has_a_compositor
	# shellcheck disable=SC2086 # words
	alice $desktop wl-paste --type text --watch clipman store --no-persist >"$work/clipman.log" 2>&1 </dev/null &
	server_pids+=($!)
}

# alice_pastes COMMAND...: into a chat, as a program of its own.
alice_pastes() {
	alice_does <<-END
		$desktop $* </dev/null | nc -N im.test 5222
	END
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

# then_all_came BYTES: the chat has so many more, and so has the incident.
then_all_came() {
	arrived=$((arrived + $1))
	then_it "$1 bytes have arrived" eventually 10 has_arrived "$arrived"
	leaked=$((leaked + $1))
	soon "and they are in the incident, to the byte" \
		incidents_say "sum(i['bytes_out'] for i in d) == $leaked and all(i['bytes_certainty'] == 'exact' for i in d)"
}

# clipboard_bytes EXE WAY: what this program copied (out) or pasted (in), in all.
clipboard_bytes="sum(e['bytes'] for e in d if e['object']['kind'] == 'clipboard' and e['app']['exe'].endswith"

crm_serves crm.test
store_serves im.test 5222
alice_has_a_desktop
weir_watches
arrived=0 leaked=0

say "a poem goes by the clipboard to the chat"
alice_does <<END
echo "Before my bed the moon is shining bright" >poem.txt
$desktop wl-copy --type text/plain <poem.txt
END
alice_pastes wl-paste --no-newline
arrived=$(stat -c %s "$home/poem.txt")
then_it "the poem has arrived" eventually 10 has_arrived "$arrived"
weir_was_awake
then_it "nothing was said of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if not e['app']['exe'].endswith('/curl')]"
then_it "no incident" incidents_say "d == []"

say "answers of the CRM go the same way"
alice_does <<END
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
$desktop wl-copy --type text/plain <answer.json
END
bytes=$(stat -c %s "$home/answer.json")
alice_pastes wl-paste --no-newline
then_all_came "$bytes"
soon "one incident, a direct egress from the CRM to im.test" \
	incidents_say "len(d) == 1 and d[0]['detectors'] == ['direct_egress'] and {s['name'] for s in d[0]['sources']} == {'crm.test'} and [s['name'] for s in d[0]['sinks']] == ['im.test']"
soon "the clipboard has the very bytes, on both sides" \
	incidents_say "[(s['direction'], s['bytes']) for s in d[0]['lineage'] if s['object']['kind'] == 'clipboard'] == [('out', $bytes), ('in', $bytes)]"
"$weir" show 1 --data "$data" >"$work/show.txt" 2>&1
then_it "the story says that it was copied and pasted" grep -q \
	"cat copied to the clipboard;.*cat pasted from the clipboard" <(tr '\n' ' ' <"$work/show.txt")
then_it "the compositor is a hub: nothing labelled has come out of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if e['app']['exe'].endswith('/sway') and e['direction'] == 'out']"

say "by the primary selection, too"
alice_does <<END
$desktop wl-copy --primary --type text/plain <answer.json
END
alice_pastes wl-paste --primary --no-newline
then_all_came "$bytes"

say "who has copied is gone, but the clipboard manager has it still"
alice_does <<END
until grep -q . .local/share/clipman.json 2>/dev/null; do sleep 0.1; done
$desktop wl-copy --clear
while $desktop wl-paste --list-types >/dev/null 2>&1; do sleep 0.1; done
$desktop clipman restore
until $desktop wl-paste --list-types 2>/dev/null | grep -q text; do sleep 0.1; done
END
alice_pastes wl-paste --no-newline
then_all_came "$(($(received_bytes im.test) - arrived))"
then_it "and it was more than nothing" test "$arrived" -gt $((2 * bytes))

say "a program of X11 pastes what one of Wayland has copied"
# shellcheck disable=SC2086 # words
alice $desktop xterm -e sleep 600 >"$work/xterm.log" 2>&1 </dev/null &
server_pids+=($!)
alice_does <<END
$desktop wl-copy --type text/plain <answer.json
until $desktop xclip -selection clipboard -o -target TARGETS 2>/dev/null | grep -q UTF8_STRING; do sleep 0.2; done
END
alice_pastes xclip -selection clipboard -o -target UTF8_STRING
then_all_came "$bytes"
soon "the compositor gave it on, to the byte" \
	events_say "$clipboard_bytes('/xclip') and e['direction'] == 'in') == $bytes and $clipboard_bytes('/sway') and e['direction'] == 'out') == $bytes"

say "and the other way round"
alice_does <<END
$desktop wl-copy --clear
while $desktop wl-paste --list-types >/dev/null 2>&1; do sleep 0.1; done
$desktop xclip -selection clipboard -i answer.json
until $desktop wl-paste --list-types 2>/dev/null | grep -q text; do sleep 0.2; done
END
alice_pastes wl-paste --no-newline
then_all_came "$bytes"
soon "out of the property into the pipe" \
	events_say "$clipboard_bytes('/xclip') and e['direction'] == 'out') >= $bytes and $clipboard_bytes('/sway') and e['direction'] == 'out') >= 2 * $bytes"

say "a poem that is copied after that is nobody's business"
alice_does <<END
echo "I lift my head and see the moon" >moon.txt
$desktop wl-copy --type text/plain <moon.txt
END
alice_pastes wl-paste --no-newline
then_it "it has arrived" eventually 10 has_arrived $((arrived + $(stat -c %s "$home/moon.txt")))
weir_was_awake
then_it "and is in no incident" incidents_say "sum(i['bytes_out'] for i in d) == $leaked"
then_it "no clipboard was lost sight of" \
	json_says "$work/events.jsonl" "not [e for e in d if e['kind'] == 'coverage_gap']"

# wl-copy leaves what it has copied behind.
find /tmp -maxdepth 1 -user "$employee_uid" -name 'wl-copy-buffer-*' -exec rm -rf {} +
