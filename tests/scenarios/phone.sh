#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A telephone at the end of a USB cable. It speaks MTP; a program that the employee runs shows its
# memory as a folder, and customer rows are copied there.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs jmtpfs fusermount3
phone=$(grep -lsx MTP /sys/bus/usb/devices/*/interface | head -n 1)
if [ -z "$phone" ] || ! grep -qw fuse /proc/filesystems; then
	echo "1..0 # SKIP no telephone is plugged in; one is in the machines of \"make check-kernels\""
	exit 0
fi
set_the_stage

bus=$(cat "${phone%/*}/../busnum")
number=$(cat "${phone%/*}/../devnum")
chmod 0666 /dev/fuse "$(printf '/dev/bus/usb/%03d/%03d' "$bus" "$number")" # which udev would do
{
	cat /etc/passwd # a user without a name may not mount
	echo "alice:x:$employee_uid:$employee_uid::$home:/bin/sh"
} >/etc/netns/weir-employee/passwd
crm_serves crm.test
weir_watches

alice_does <<'END'
for number in 1 2 3 4 5; do
	curl -sS "https://crm.test/policy/P20207000$number" >>customers.json
done
mkdir phone
jmtpfs phone
cd phone/*
cp ~/customers.json list.json
END
rows=$(stat -c %s "$home/customers.json")

soon "one incident" incidents_say "len(d) == 1"
soon "it went to a telephone" \
	incidents_say "[(s['name'], s['kind']) for s in d[0]['sinks']] == [('phone', 'phone')]"
soon "exactly the bytes of the copy" \
	incidents_say "d[0]['bytes_out'] == $rows and d[0]['bytes_certainty'] == 'exact'"
soon "it came from the CRM" incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'}"
soon "which is removable media" \
	incidents_say "'removable_media' in d[0]['detectors'] and 'T1052' in d[0]['attack']"
then_every_stage_accounts_for_all_it_took
