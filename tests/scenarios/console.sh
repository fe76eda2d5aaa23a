#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A text console with a mouse. A row of the CRM is on the screen; the employee takes it with the mouse
# and pastes it into a program that has read nothing of the CRM, and sends that to a chat. GPM moves
# the selection, the kernel holds it. A poem that goes the same way is nobody's business.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
if [ ! -x /usr/sbin/gpm ]; then
	echo "1..0 # SKIP needs gpm"
	exit 0
fi
console=/dev/$(cat /sys/class/tty/tty0/active 2>/dev/null)
if [ ! -c "$console" ]; then
	echo "1..0 # SKIP this machine has no virtual console"
	exit 0
fi
for file in /proc/[0-9]*/fd/*; do
	[ "$(readlink "$file")" != "$console" ] || {
		echo "1..0 # SKIP somebody sits at $console"
		exit 0
	}
done
set_the_stage

# As getty and login leave it, but that each letter is read as it is typed. Open all the time, for the
# settings go when nobody has it open (TTY_DRIVER_RESET_TERMIOS).
console_is_hers() {
	exec 8<>"$console"
	stty raw -echo opost <&8
	chown "$employee_uid" "$console"
	ln -s "$console" "$home/console"
	mkfifo "$work/mouse"
	gpm -D -m "$work/mouse" -t bm >"$work/gpm.log" 2>&1 </dev/null 8>&- 9>&- &
	server_pids+=($!)
}

# goes_by_mouse FILE: what is in FILE is shown, taken and pasted into the chat; the row ends with a
# carriage return then.
goes_by_mouse() {
	alice_does <<-END
		{ printf '\\033[2J\\033[H'; cat $1; } >console
	END
	"$support/mouse" "$work/mouse"
	bytes=$(($(stat -c %s "$home/$1") + 1))
	alice_does <<-END
		head -c $bytes <console >pasted-$1
		nc -N im.test 5222 <pasted-$1
	END
	arrived=$((arrived + bytes))
	then_it "$1 has arrived" eventually 10 has_arrived "$arrived"
	then_it "as it was" cmp -n "$((bytes - 1))" "$home/$1" "$home/pasted-$1"
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

crm_serves crm.test
store_serves im.test 5222
weir_watches
arrived=0
console_is_hers

say "a poem"
alice_does <<'END'
printf 'Before my bed the moon is shining bright' >poem.txt
END
goes_by_mouse poem.txt
weir_was_awake
then_it "and is in no incident" incidents_say "not d"

say "a row of the CRM"
alice_does <<'END'
curl -sS https://crm.test/policy/P202070001 | tr -cd ' -~' | head -c 60 >row.txt
END
goes_by_mouse row.txt
soon "and is in the incident" \
	incidents_say "[i['bytes_out'] for i in d] == [$bytes] and {s['name'] for s in d[0]['sources']} == {'crm.test'}"
lineage_has "d[0]['lineage']" "cat shows it:cat:out:console" "head is pasted into:head:in:console"
then_every_stage_accounts_for_all_it_took
chown root "$console"
