#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To be left alone: five hundred made-up customers of the CRM's training twin, which the policy
# gives no class, copied to a USB disk.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage
# shellcheck source=tests/support/stick.sh
. "$root/tests/support/stick.sh"

crm_serves crm.test
crm_serves crm-train.test
weir_watches

stick_is_formatted "$work/stick.img"
stick_is_plugged_in "$work/stick.img" 1-2 4C530001230101114273

alice_does <<'END'
set --
for number in $(seq 500); do
	set -- "$@" "https://crm-train.test/policy/P2021$number"
done
curl -sS "$@" >training.json
cp training.json usb/training.json
sync
END
then_it "five hundred rows are on the disk" \
	test "$(stat -c %s "$home/usb/training.json")" -eq "$(stat -c %s "$home/training.json")"
then_it "and they are many bytes" test "$(stat -c %s "$home/training.json")" -gt 50000
stick_is_pulled_out
weir_was_awake
then_it "the training data has not made one event" \
	json_says "$work/events.jsonl" "not [e for e in d if 'train' in str(e) or '10.77.0.11' in str(e)]"
then_it "only the lookup has" \
	json_says "$work/events.jsonl" "{e['app']['exe'] for e in $labelled} == {'/usr/bin/curl'}"
then_it "no incident" incidents_say "d == []"
