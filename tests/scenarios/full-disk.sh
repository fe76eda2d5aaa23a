#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The disk of the data folder is full while customer data leaves. Weir says so, keeps running, and
# once there is room again nothing is missing.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

mkdir "$work/small"
mount -t tmpfs -o size=24m,mode=0700 tmpfs "$work/small" || give_up "a small disk"
mounts+=("$work/small")
data=$work/small/data

crm_serves crm.test
store_serves pan.test 9000
weir_watches --quiet

alice_does <<'END'
curl -sS -o rows.json https://crm.test/attachment/300000/0
END
soon "what was downloaded before is known" \
	events_say "sum(e['bytes'] for e in d if (e['object']['name'] or '').endswith('/rows.json') and e['direction'] == 'out') == 300000"

say "the disk fills up"
dd if=/dev/zero of="$work/small/ballast" bs=1M 2>/dev/null
dd if=/dev/zero of="$work/small/ballast2" bs=512 2>/dev/null
then_it "not one byte is free" test "$(df --output=avail -B1 "$work/small" | tail -n 1)" -eq 0
alice_does <<'END'
for copy in 1 2 3 4 5; do
	nc -N pan.test 9000 <rows.json
done
END
then_it "five copies have left" eventually 10 test "$(received_bytes pan.test)" -eq 1500000
says_full() { grep -qiE 'no space|disk.*full|full.*disk' "$weir_log"; }
then_it "weir says that the disk is full" eventually 30 says_full
then_it "and goes on running" not is_over "$weir_pid"

say "somebody makes room"
rm "$work/small/ballast" "$work/small/ballast2"
soon "every byte of the egress is told afterwards" \
	events_say "sum(e['bytes'] for e in d if e['kind'] == 'egress' and e['object'].get('zone') == 'pan.test') == 1500000"
soon "the incident has every byte" incidents_say "len(d) == 1 and d[0]['bytes_out'] == 1500000"
soon "the numbers of the agent's events have no hole" \
	events_say "sorted(e['seq'] for e in d if e['seq']) == list(range(1, max(e['seq'] for e in d) + 1))"
weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
