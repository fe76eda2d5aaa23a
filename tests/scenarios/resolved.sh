#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Names from systemd-resolved. Her desk asks it as nss-resolve does, by its socket; it asks a server
# that the agent hears no packet of, and the second time nobody. What she then sends customer rows to
# is called what she asked for.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
resolved=/usr/local/lib/weir-check/lib/systemd/systemd-resolved
if [ ! -x "$resolved" ] || [ ! -x /usr/sbin/dnsmasq ]; then
	echo "1..0 # SKIP needs systemd-resolved, which \"scripts/install-deps check\" unpacks, and dnsmasq"
	exit 0
fi
if pgrep -x systemd-resolve >/dev/null; then
	echo "1..0 # SKIP this machine has a systemd-resolved of its own"
	exit 0
fi
set_the_stage

resolved_runs() {
	local desk=/etc/netns/weir-employee

	cp /etc/passwd /etc/group "$desk/"
	echo "systemd-resolve:x:1990:1990::/:/bin/false" >>"$desk/passwd"
	echo "systemd-resolve:x:1990:" >>"$desk/group"
	mkdir "$desk/systemd"
	printf '[Resolve]\nDNS=10.77.0.50\nDNSSEC=no\nLLMNR=no\nMulticastDNS=no\n' >"$desk/systemd/resolved.conf"
	rm -rf /run/systemd/resolve # of one that is gone
	install -d -o 1990 -g 1990 /run/systemd/resolve
	serve employee 53 "$resolved"
}

# What nss-resolve says to it, and who answers.
cat >"$home/ask" <<'END'
import json, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect("/run/systemd/resolve/io.systemd.Resolve")
link.sendall(json.dumps({"method": "io.systemd.Resolve.ResolveHostname",
                         "parameters": {"name": sys.argv[1], "family": 2}}).encode() + b"\0")
reply = json.loads(link.recv(65536).split(b"\0")[0])
print(".".join(map(str, reply["parameters"]["addresses"][0]["address"])))
END

for n in 61 62; do
	ip -n weir-meet.test address add "10.77.0.$n/24" dev eth0
done
crm_serves crm.test
store_serves meet.test 4444
serve meet.test 53 dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
	--user=root --pid-file="$work/named.pid" --host-record=files.example,10.77.0.61 \
	--cname=www.files.example,files.example --host-record=ledger.example,10.77.0.62
resolved_runs

say "before Weir comes she asks for one of them"
alice_does <<END
$python ask ledger.example
END
weir_watches
alice_does <<END
for number in 1 2 3 4 5 6 7 8 9 10; do
	curl -sS "https://crm.test/policy/P20207000\$number" >>customers.json
done
nc -N "\$($python ask www.files.example)" 4444 <customers.json
nc -N "\$($python ask ledger.example)" 4444 <customers.json
END
sink_is() { # ADDRESS HOST SOURCE
	incidents_say "[(s['host'], s['host_source']) for i in d for s in i['sinks'] if s['address'] == '$1'] == [('$2', '$3')]"
}
soon "an address is called what was asked for, not what that is an alias of" \
	sink_is 10.77.0.61 www.files.example dns_answer
soon "also when the answer was there before" sink_is 10.77.0.62 ledger.example dns_answer
then_every_stage_accounts_for_all_it_took
status_tells_of_answers() { # written every 3 s
	every_stage_accounts && json_says "$work/status.json" \
		"next(s['out'] for s in d['agent']['stages'] if s['name'] == 'resolved answers') >= 2"
}
then_it "the status tells of its answers" eventually 10 status_tells_of_answers
end_process "${server_pids[@]}"
rm -rf /run/systemd/resolve
