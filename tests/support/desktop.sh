# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2034,SC2154 # what the fixture sets, and what is for the scenarios
#
# A desktop of Wayland at the employee's desk; to be sourced after fixture.sh.

run=$home/.run # where the compositor's socket is

# alice_has_a_compositor: one without a screen; $desktop is what her programs are started by, $screen
# what those of X11 call it.
alice_has_a_compositor() {
	install -d -o "$employee_uid" -g "$employee_uid" -m 0700 "$run" "$home/.local" "$home/.local/share"
	install -d -m 1777 /tmp/.X11-unix
	# The X server lets in whoever is on this stage.
	printf '#!/bin/sh\nexec /usr/bin/Xwayland -ac "$@"\n' >"$work/xwayland"
	printf 'xwayland enable\nexec echo "$DISPLAY" >%s/screen\n' "$run" >"$work/sway.conf"
	chmod 0755 "$work/xwayland"
	alice env XDG_RUNTIME_DIR="$run" SWAYSOCK="$run/sway" WLR_BACKENDS=headless \
		WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 WLR_XWAYLAND="$work/xwayland" \
		sway -c "$work/sway.conf" >"$work/sway.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 test -s "$run/screen" || give_up "a desktop: $(tail -n 3 "$work/sway.log")"
	screen=$(cat "$run/screen")
	desktop="env XDG_RUNTIME_DIR=$run WAYLAND_DISPLAY=wayland-1 DISPLAY=$screen"
}

has_window() { # TITLE
	alice swaymsg -s "$run/sway" -r -t get_tree 2>/dev/null | grep -q "\"name\": \"$1\""
}

# alice_opens TITLE COMMAND...: a window that stays.
alice_opens() {
	local title=$1

	shift
	# shellcheck disable=SC2016,SC2086 # that shell has a number of its own; words
	alice $desktop dash -c 'echo $$ >".$0.pid"; exec "$@"' "$title" "$@" \
		>"$work/window.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 has_window "$title" || give_up "the window: $(tail -n 3 "$work/window.log")"
	sleep 0.5 # it is drawn when it has been told that it is seen
}

# alice_closes TITLE: the window goes with its program.
alice_closes() {
	end_process "$(cat "$home/.$1.pid")"
}
