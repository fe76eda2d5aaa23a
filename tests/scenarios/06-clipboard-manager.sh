#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A clipboard manager of X11. What the CRM answers is copied; a manager that is told of each new owner
# takes it at once and owns it from then on, so that who has copied is gone when another program
# pastes it, and gives it to a chat. A poem goes the same way before, and is nobody's business.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs Xvfb xclip xsel
"$python" -c 'import gi; gi.require_version("Gtk", "3.0")' 2>/dev/null || {
	echo "1..0 # SKIP needs GTK 3 for Python (gir1.2-gtk-3.0)"
	exit 0
}
set_the_stage
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"
install -m 0755 "$support/clipboard-keeper" "$work/"
manager=$(basename "$(readlink -f "$python")") # what runs it

alice_has_a_manager() {
	alice env DISPLAY="$screen" GDK_BACKEND=x11 NO_AT_BRIDGE=1 "$work/clipboard-keeper" \
		>"$work/kept" 2>"$work/keeper.log" </dev/null &
	server_pids+=($!)
}

is_kept() { # BYTES
	grep -qx "$1" "$work/kept"
}

# alice_copies_for_good FILE: until the manager has it, and xclip is gone, as it is by itself then.
alice_copies_for_good() {
	alice_does <<-END
		DISPLAY=$screen xclip -selection clipboard -i $1
	END
	then_it "the manager has taken $1" eventually 20 is_kept "$(stat -c %s "$home/$1")"
}

# alice_pastes: into a chat, as a program of its own.
alice_pastes() {
	alice_does <<-END
		DISPLAY=$screen xsel --clipboard --output </dev/null | nc -N im.test 5222
	END
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

crm_serves crm.test
store_serves im.test 5222
alice_has_a_screen
alice_has_a_manager
weir_watches

say "a poem is kept, and goes to the chat"
alice_does <<'END'
echo "Before my bed the moon is shining bright" >poem.txt
END
alice_copies_for_good poem.txt
alice_pastes
before=$(stat -c %s "$home/poem.txt")
then_it "the poem has arrived" eventually 10 has_arrived "$before"
weir_was_awake
then_it "nothing was said of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if not e['app']['exe'].endswith('/curl')]"

say "answers of the CRM are kept, and go the same way"
alice_does <<'END'
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
END
alice_copies_for_good answer.json
bytes=$(stat -c %s "$home/answer.json")
alice_pastes
then_it "the answers have arrived ($bytes bytes)" eventually 10 has_arrived $((before + bytes))
soon "one incident, from the CRM to im.test, to the byte" \
	incidents_say "[(i['bytes_out'], {s['name'] for s in i['sources']}, [s['name'] for s in i['sinks']]) for i in d] == [($bytes, {'crm.test'}, ['im.test'])]"
lineage_has "d[0]['lineage']" \
	"xclip copies them to the clipboard:xclip:out:clipboard" \
	"the manager takes them:$manager:in:clipboard" \
	"and copies them itself:$manager:out:clipboard" \
	"xsel pastes them from the clipboard:xsel:in:clipboard" "nc gives them to im.test:nc.openbsd:out:im.test"
soon "the clipboard has the very bytes each time" \
	incidents_say "[s['bytes'] for s in d[0]['lineage'] if s['object']['kind'] == 'clipboard'] == [$bytes] * 4"
then_it "no clipboard was lost sight of" \
	json_says "$work/events.jsonl" "not [e for e in d if e['kind'] == 'coverage_gap']"
