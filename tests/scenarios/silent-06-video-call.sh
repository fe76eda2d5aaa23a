#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To be left alone: a video call of two gigabytes by a program that never touched customer data.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
serve meet.test 3478 "$support/peer" store --port 3478 --keep "$work" --discard
weir_watches

alice_does <<'END'
dd if=/dev/zero bs=64k count=32768 status=none | nc -N meet.test 3478
END
call_bytes=$(ip -n weir-meet.test -s -j link show eth0 |
	"$python" -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["rx"]["bytes"])')
then_it "two gigabytes have gone over the network ($call_bytes bytes)" \
	test "$call_bytes" -gt 2147483648
weir_was_awake
then_it "the call has not made one event" \
	json_says "$work/events.jsonl" "not [e for e in d if 'meet' in str(e) or '10.77.0.50' in str(e) or e.get('app', {}).get('exe', '') in ('/usr/bin/dd', '/usr/bin/nc', '/usr/bin/nc.openbsd')]"
then_it "only the lookup has" \
	json_says "$work/events.jsonl" "{e['app']['exe'] for e in $labelled} == {'/usr/bin/curl'}"
then_it "no incident" incidents_say "d == []"
