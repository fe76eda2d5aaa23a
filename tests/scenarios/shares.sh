#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Ways out that look like folders: a share of another machine by sshfs, another FUSE file system, the
# folder of a cloud's client, and the raw disk below a stick's file system. And two that are no
# files: the print server, and what is inside after all.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage
# shellcheck source=tests/support/stick.sh
. "$root/tests/support/stick.sh"

for program in sshfs bindfs fusermount3 socat nc.openbsd; do
	if ! command -v "$program" >/dev/null; then
		echo "1..0 # SKIP $program is not installed"
		exit 0
	fi
done
if ! grep -qw fuse /proc/filesystems; then
	echo "1..0 # SKIP this kernel has no FUSE"
	exit 0
fi

# went_to NAME KIND: the incident to it, of as many bytes as the file had that was copied.
went_to() {
	soon "an egress to $1, which is $2" \
		incidents_say "any([(s['name'], s['kind']) for s in i['sinks']] == [('$1', '$2')] and i['bytes_out'] == $rows for i in d)"
}

# A real print server whose only printer swallows everything. Where there is none, somebody listens
# in its place: it is not installed for a test's sake, as it would start with the machine.
print_server_runs() {
	local folder

	mkdir -p /run/cups
	if ! command -v cupsd >/dev/null || ! command -v lp >/dev/null; then
		say "cupsd and lp are not installed: socat and nc stand in for them"
		socat -u UNIX-LISTEN:/run/cups/cups.sock,mode=0666 "CREATE:$work/printed" \
			2>"$work/socat.log" </dev/null 9>&- &
		server_pids+=($!)
		print="nc.openbsd -NU /run/cups/cups.sock <"
		eventually 10 test -S /run/cups/cups.sock || give_up "somebody listens"
		return
	fi
	print="lp -d office"
	for folder in spool cache state log; do mkdir -p "$work/cups/$folder"; done
	cat >"$work/cups/cupsd.conf" <<-'END'
		Listen /run/cups/cups.sock
		Browsing Off
		DefaultAuthType None
		<Location />
		Order allow,deny
		Allow all
		</Location>
	END
	cat >"$work/cups/cups-files.conf" <<-END
		FileDevice Yes
		ServerRoot $work/cups
		CacheDir $work/cups/cache
		StateDir $work/cups/state
		RequestRoot $work/cups/spool
		AccessLog $work/cups/log/access
		ErrorLog $work/cups/log/error
		PageLog $work/cups/log/page
	END
	cat >"$work/cups/printers.conf" <<-'END'
		<DefaultPrinter office>
		DeviceURI file:///dev/null
		State Idle
		Accepting Yes
		Shared No
		</DefaultPrinter>
	END
	cupsd -f -c "$work/cups/cupsd.conf" -s "$work/cups/cups-files.conf" >"$work/cups/out" 2>&1 \
		</dev/null 9>&- &
	server_pids+=($!)
	eventually 10 test -S /run/cups/cups.sock || give_up "cupsd runs: $(cat "$work/cups/out")"
}

n_incidents=0
crm_serves crm.test
# What sshfs speaks without ssh around it.
mkdir "$work/files"
chown "$employee_uid" "$work/files"
policy=$work/policy.conf
{
	cat "$root/userspace/policy/example.conf"
	printf '[trusted "inside"]\nfolder = %s, %s\n' "$work/inside" "$home/inside"
} >"$policy"
serve pan.test 2222 socat TCP-LISTEN:2222,fork,reuseaddr \
	"EXEC:/usr/lib/openssh/sftp-server -d $work/files"
# A user without a name may not mount. Seen at her desk only: ip-netns(8).
{
	cat /etc/passwd
	echo "alice:x:$employee_uid:$employee_uid::$home:/bin/sh"
} >/etc/netns/weir-employee/passwd
# udev gives it these rights; fusermount3 opens it as the user.
fuse_mode=$(stat -c %a /dev/fuse)
chmod 0666 /dev/fuse
weir_watches

alice_does <<'END'
for number in 1 2 3 4 5; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
END
rows=$(stat -c %s "$home/customers.json")

say "a share of another machine, mounted by the employee where only she sees it"
alice_does <<'END'
mkdir share
sshfs -o directport=2222,fsname=li@pan.test:/files pan.test: share
cp customers.json share/list.json
END
then_it "the rows are on the other machine" test "$(stat -c %s "$work/files/list.json")" -eq "$rows"
went_to "sshfs server pan.test" sshfs

say "FUSE in general"
mkdir "$work/mirror" "$work/mirrored"
chown "$employee_uid" "$work/mirrored"
bindfs "$work/mirrored" "$work/mirror" || give_up "bindfs mounts"
mounts+=("$work/mirror")
ln -s "$work/mirror" "$home/mirror"
alice_does <<'END'
cp customers.json mirror/list.json
END
went_to "FUSE file system" fuse

say "the folder of a cloud's client"
alice_does <<'END'
mkdir Nextcloud
cp customers.json Nextcloud/list.json
END
went_to Nextcloud cloud

say "and moved there, by no write at all"
alice_does <<'END'
mkdir Dropbox work
curl -sS https://crm.test/policy/P2020700099 >moved.json
cd work
mv ../moved.json ../Dropbox/moved.json
END
moved=$(stat -c %s "$home/Dropbox/moved.json")
soon "an egress to Dropbox, of the file's size and out of the CRM" \
	incidents_say "any([(s['name'], s['kind']) for s in i['sinks']] == [('Dropbox', 'cloud')] and i['bytes_out'] == $moved and i['bytes_certainty'] == 'estimated' and [s['kind'] for s in i['sources']] == ['crm'] * len(i['sources']) for i in d)"
n_incidents=$((n_incidents + 1))

say "the raw disk"
serial=4C530001230101114273
stick_is_formatted "$work/stick.img"
stick_is_plugged_in "$work/stick.img" 1-2 "$serial"
chown "$employee_uid" "$stick_node"
alice_does <<END
dd if=customers.json of=$stick_node bs=64k seek=500 conv=notrunc status=none
END
went_to "USB disk $stick_called $serial" usb
chown 0 "$stick_node"
stick_is_pulled_out

say "a printer"
if [ -e /run/cups/cups.sock ]; then
	say "skip: this machine has a print server of its own"
else
	print_server_runs
	alice_does <<-END
		export CUPS_SERVER=/run/cups/cups.sock
		$print customers.json
	END
	soon "an egress to the printer, of the rows and what IPP says around them" \
		incidents_say "any([(s['name'], s['kind']) for s in i['sinks']] == [('printer', 'printer')] and $rows <= i['bytes_out'] <= $rows + 4096 for i in d)"
	n_incidents=$((n_incidents + 1))
fi

say "a folder that the policy trusts: mounted by the administrator it is inside, by the employee not"
mkdir "$work/inside" "$work/inside.below"
chown "$employee_uid" "$work/inside.below"
bindfs "$work/inside.below" "$work/inside" || give_up "bindfs mounts"
mounts+=("$work/inside")
ln -s "$work/inside" "$home/company"
alice_does <<'END'
cp customers.json company/list.json
mkdir inside
sshfs -o directport=2222,fsname=backup.corp:/ 10.77.0.30: inside
cp customers.json inside/again.json
END
then_it "the rows are on the other machine once more" test -s "$work/files/again.json"
went_to "sshfs server backup.corp" sshfs
then_it "nothing else was one" incidents_say "len(d) == $((n_incidents + 5))"
then_it "the company's folder was told, as inside" events_say \
	"any(str(e['object']['name']).endswith('/inside/list.json') and e['object']['role'] == 'trusted' and e['kind'] == 'flow' for e in d)"
chmod "$fuse_mode" /dev/fuse
