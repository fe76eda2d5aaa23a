# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2154 # what the fixture sets
#
# A screen with a clipboard at the employee's desk, windows on it that stay open, and what she sees of
# them; to be sourced after fixture.sh.

# alice_has_a_screen [WIDTHxHEIGHT]: an X server at her desk; $screen is what her programs call it.
alice_has_a_screen() {
	install -d -m 1777 /tmp/.X11-unix
	alice Xvfb -displayfd 3 -screen 0 "${1:-640x480}x24" -nolisten tcp -ac -noreset \
		3>"$work/screen" >"$work/screen.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 test -s "$work/screen" || give_up "a screen: $(cat "$work/screen.log")"
	screen=:$(cat "$work/screen")
}

# alice_copies SELECTION FILE: one that had no owner before, for xclip may own it only after it has
# gone into the background.
alice_copies() {
	alice_does <<-END
		export DISPLAY=$screen
		xclip -selection $1 -i $2
		until xclip -selection $1 -o -target TARGETS >/dev/null 2>&1; do sleep 0.1; done
	END
}

window_is_seen() { # TITLE
	alice xwininfo -display "$screen" -name "$1" 2>/dev/null | grep -q IsViewable
}

# alice_opens TITLE FILE: a window with a text in it, which stays. There is no window manager.
alice_opens() {
	# shellcheck disable=SC2016 # that shell has a number of its own
	alice dash -c 'echo $$ >".$1.pid"; exec xmessage -display "$0" -title "$1" -file "$2"' \
		"$screen" "$1" "$2" >"$work/window.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 window_is_seen "$1" || give_up "the window: $(cat "$work/window.log")"
	sleep 0.5 # it is drawn when it has been told that it is seen
}

# alice_closes TITLE: the window goes with its program.
alice_closes() {
	end_process "$(cat "$home/.$1.pid")"
}
