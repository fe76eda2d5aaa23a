#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A folder that lies on another machine, by NFS: one on a server that nobody knows, one on a server
# that the policy calls a sink, and one on the company's own. The servers are the kernel's.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
for type in nfs4 nfsd; do
	if ! grep -qw "$type" /proc/filesystems; then
		echo "1..0 # SKIP this kernel has no $type; those of \"make check-kernels\" have them"
		exit 0
	fi
done
set_the_stage

# went_to NAME KIND: the incident to it, of as many bytes as the file had that was copied.
went_to() {
	soon "an egress to $1, which is $2" \
		incidents_say "any([(s['name'], s['kind']) for s in i['sinks']] == [('$1', '$2')] and i['bytes_out'] == $rows and i['bytes_certainty'] == 'exact' for i in d)"
}

# What exportfs(8) and mountd(8) would tell the kernel: who may ask for the only file system, 0, and
# where it is. 9234: from any port, not subtrees, answered before it is on the disk, numbered
# (include/uapi/linux/nfsd/export.h).
cat >"$work/nfsd.sh" <<'END'
folder=$1 client=$2 forever=2147483647
mount -t nfsd nfsd /proc/fs/nfsd
cd /proc/fs/nfsd
for version in -2 -3 +4; do echo "$version" >versions || true; done
echo "nfsd $client $forever desk" >/proc/net/rpc/auth.unix.ip/channel
echo "desk $folder $forever 9234 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
echo "desk 1 \\x00000000 $forever $folder" >/proc/net/rpc/nfsd.fh/channel
echo "tcp 2049" >portlist
echo 1 >threads
echo Y >v4_end_grace # of a restart, with clients who come back
trap 'echo 0 >threads; exit 0' TERM
sleep infinity &
wait
END

nfs_serves() { # HOST: $work/HOST
	install -d -o "$employee_uid" "$work/$1"
	serve "$1" 2049 bash "$work/nfsd.sh" "$work/$1" "${host_addresses[employee]}"
}

# By root, so that the server's name is not just what she says.
nfs_is_mounted() { # HOST NAME
	mkdir "$work/$2"
	nsenter --net=/run/netns/weir-employee mount -i -t nfs4 \
		-o "vers=4.2,addr=${host_addresses[$1]},soft,timeo=100" "$1:/" "$work/$2" 9>&- ||
		give_up "NFS of $1 is mounted: $(dmesg | tail -n 5)"
	mounts+=("$work/$2")
	ln -s "$work/$2" "$home/$2"
}

crm_serves crm.test
store_serves mail.test 9000
for host in meet.test pan.test backup.corp; do nfs_serves "$host"; done
nfs_is_mounted pan.test cloud
weir_watches

alice_does <<'END'
for number in 1 2 3 4 5; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
cp customers.json cloud/list.json
END
rows=$(stat -c %s "$home/customers.json")
then_it "the rows are on the other machine" test "$(stat -c %s "$work/pan.test/list.json")" -eq "$rows"
went_to pan.test cloud

say "two more are mounted while Weir watches"
nfs_is_mounted meet.test share
nfs_is_mounted backup.corp company
alice_does <<'END'
cp customers.json share/list.json
cp customers.json company/list.json
END
then_it "the rows are on the unknown machine" test "$(stat -c %s "$work/meet.test/list.json")" -eq "$rows"
went_to "NFS server meet.test" nfs

say "what lies there is known when it is read again"
alice_does <<'END'
rm customers.json
nc -N mail.test 9000 <share/list.json
END
went_to mail.test mail
soon "the company's server was told, as inside" events_say \
	"sum(e['bytes'] for e in d if e['kind'] == 'flow' and e['direction'] == 'out' and str(e['object']['name']).endswith('/company/list.json') and e['object']['role'] == 'trusted') == $rows"
then_it "and is in no incident" incidents_say "len(d) == 3"
for folder in company share cloud; do umount "$work/$folder" && unset 'mounts[-1]'; done
then_every_stage_accounts_for_all_it_took
