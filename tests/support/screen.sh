# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A screen with a clipboard at the employee's desk, to be sourced after fixture.sh.

# alice_has_a_screen: an X server at her desk; $screen is what her programs call it.
alice_has_a_screen() {
	install -d -m 1777 /tmp/.X11-unix
	alice Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp -ac -noreset \
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
