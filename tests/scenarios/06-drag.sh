#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Drag and drop. Answers of the CRM are dragged out of one program's window and dropped on another
# one's (Xdnd, between two programs of GTK), which has read no file and spoken to no CRM; from there
# they go to a chat. A poem that was dropped before is nobody's business.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs Xvfb xdotool
"$python" -c 'import gi; gi.require_version("Gtk", "3.0")' 2>/dev/null || {
	echo "1..0 # SKIP needs GTK 3 for Python (gir1.2-gtk-3.0)"
	exit 0
}
set_the_stage
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"
install -m 0755 "$support/drag-and-drop" "$work/"

# alice_drags FILE FILE: the text of one, and the other is what it is dropped into.
alice_drags() {
	alice_does <<-END
		$desktop "$work/drag-and-drop" source $1 2>/dev/null &
		source=\$!
		$desktop "$work/drag-and-drop" target $2 2>/dev/null &
		target=\$!
		until [ \$($desktop xdotool search --onlyvisible --name '^(source|target)\$' 2>/dev/null | wc -l) -eq 2 ]; do sleep 0.1; done
		sleep 0.5
		$desktop xdotool mousemove 100 100 mousedown 1
		for x in 120 150 200 300 350 400 420; do
			$desktop xdotool mousemove \$x 120
			sleep 0.1
		done
		sleep 0.3
		$desktop xdotool mouseup 1
		wait \$target
		kill \$source
	END
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

crm_serves crm.test
store_serves im.test 5222
alice_has_a_screen
desktop="env DISPLAY=$screen GDK_BACKEND=x11 NO_AT_BRIDGE=1" # what her programs know of it
weir_watches

say "a poem is dragged"
alice_does <<'END'
echo "Before my bed the moon is shining bright" >poem.txt
END
alice_drags poem.txt dropped-poem.txt
alice_does <<'END'
nc -N im.test 5222 <dropped-poem.txt
END
before=$(stat -c %s "$home/poem.txt")
then_it "the poem has arrived" eventually 10 has_arrived "$before"
weir_was_awake
then_it "nothing was said of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if not e['app']['exe'].endswith('/curl')]"

say "answers of the CRM are dragged"
alice_does <<'END'
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
END
bytes=$(stat -c %s "$home/answer.json")
alice_drags answer.json dropped.json
alice_does <<'END'
nc -N im.test 5222 <dropped.json
END
then_it "the answers have arrived ($bytes bytes)" eventually 10 has_arrived $((before + bytes))
soon "one incident, from the CRM to im.test, to the byte" \
	incidents_say "[(i['bytes_out'], {s['name'] for s in i['sources']}, [s['name'] for s in i['sinks']]) for i in d] == [($bytes, {'crm.test'}, ['im.test'])]"
soon "the clipboard has the very bytes, on both sides" \
	incidents_say "[s['bytes'] for s in d[0]['lineage'] if s['object']['kind'] == 'clipboard'] == [$bytes, $bytes]"
