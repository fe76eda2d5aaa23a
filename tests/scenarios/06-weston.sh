#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Clipboard that outlives its owner. weston reads what is copied at once and keeps it; who has
# copied ends, and only then somebody pastes what the compositor has kept. A poem that is copied
# afterwards is nobody's business, although the same compositor keeps it.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs weston Xvfb xdotool wl-copy wl-paste
set_the_stage

run=$home/.run # where the compositor's socket is
desktop="env XDG_RUNTIME_DIR=$run WAYLAND_DISPLAY=wayland-5"

# alice_has_a_desktop: weston gives its clients a keyboard only where it has one, in a window.
alice_has_a_desktop() {
	local screen

	install -d -o "$employee_uid" -g "$employee_uid" -m 0700 "$run"
	install -d -m 1777 /tmp/.X11-unix
	alice Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp -ac -noreset \
		3>"$work/screen" >"$work/screen.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 test -s "$work/screen" || give_up "a screen: $(cat "$work/screen.log")"
	screen=:$(cat "$work/screen")
	alice env XDG_RUNTIME_DIR="$run" DISPLAY="$screen" weston --backend=x11-backend.so \
		--socket=wayland-5 --no-config --width=640 --height=480 \
		>"$work/weston.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 has_window "$screen" || give_up "a desktop: $(tail -n 3 "$work/weston.log")"
	eventually 20 test -S "$run/wayland-5"
	alice env DISPLAY="$screen" xdotool mousemove 300 200 windowfocus "$window" click 1
}

has_window() { # SCREEN
	window=$(alice env DISPLAY="$1" xdotool search --class . 2>/dev/null | tail -n 1)
	[ -n "$window" ]
}

# alice_copies FILE: and the program that did is gone afterwards.
alice_copies() {
	alice_does <<-END
		$desktop wl-copy --foreground --type text/plain <$1 &
		copier=\$!
		until $desktop wl-paste --list-types 2>/dev/null | grep -q text; do sleep 0.1; done
		sleep 0.5
		kill \$copier
		wait \$copier || true
	END
}

alice_pastes() {
	alice_does <<-END
		$desktop wl-paste --no-newline </dev/null | nc -N im.test 5222
	END
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

crm_serves crm.test
store_serves im.test 5222
alice_has_a_desktop
weir_watches

say "answers of the CRM are copied, and pasted when the program that had them has ended"
alice_does <<'END'
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
END
alice_copies answer.json
bytes=$(stat -c %s "$home/answer.json")
alice_pastes
then_it "the answers have arrived ($bytes bytes)" eventually 10 has_arrived "$bytes"
soon "one incident, to the byte" \
	incidents_say "[(i['bytes_out'], i['bytes_certainty']) for i in d] == [($bytes, 'exact')]"
soon "it came from the CRM and went to im.test" \
	incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'} and [s['name'] for s in d[0]['sinks']] == ['im.test']"
for step in "cat copies:cat:out" "weston takes it:weston:in" "weston hands it on:weston:out" \
	"cat pastes:cat:in"; do
	IFS=: read -r what exe direction <<<"$step"
	soon "the lineage has: $what, $bytes bytes" \
		incidents_say "any(s['app']['exe'].endswith('/$exe') and s['direction'] == '$direction' and s['object']['kind'] == 'clipboard' and s['bytes'] == $bytes for s in d[0]['lineage'])"
done

say "two poems are copied and pasted after that"
alice_does <<'END'
echo "Before my bed the moon is shining bright" >bed.txt
echo "I lift my head and see the moon" >moon.txt
END
alice_copies bed.txt
alice_copies moon.txt
alice_pastes
then_it "the poem has arrived" \
	eventually 10 has_arrived $((bytes + $(stat -c %s "$home/moon.txt")))
weir_was_awake
then_it "and is in no incident" incidents_say "sum(i['bytes_out'] for i in d) == $bytes"

# wl-copy leaves what it has copied behind.
find /tmp -maxdepth 1 -user "$employee_uid" -name 'wl-copy-buffer-*' -exec rm -rf {} +
