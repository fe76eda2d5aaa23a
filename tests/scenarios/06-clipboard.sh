#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Clipboard. What the CRM answers is copied in one program and pasted in another one, which has read
# no file and spoken to no CRM; from there it goes to a chat. Once in one piece, once so much that
# the two programs pass it in many. A poem that was copied before is nobody's business.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs Xvfb xclip xsel
set_the_stage
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"

# alice_pastes COMMAND...: into a chat, as a program of its own.
alice_pastes() {
	alice_does <<-END
		DISPLAY=$screen $* </dev/null | nc -N im.test 5222
	END
}

has_arrived() { # BYTES
	[ "$(received_bytes im.test)" -eq "$1" ]
}

crm_serves crm.test
store_serves im.test 5222
alice_has_a_screen
weir_watches

say "a poem goes by the clipboard to the chat"
alice_does <<'END'
echo "Before my bed the moon is shining bright" >poem.txt
END
alice_copies primary poem.txt
alice_pastes xsel --primary --output
then_it "the poem has arrived" eventually 10 has_arrived "$(stat -c %s "$home/poem.txt")"
before=$(received_bytes im.test)
weir_was_awake
then_it "nothing was said of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if not e['app']['exe'].endswith('/curl')]"
then_it "no incident" incidents_say "d == []"

say "answers of the CRM go the same way"
alice_does <<'END'
curl -sS https://crm.test/policy/P202070001 >>answer.json
curl -sS https://crm.test/policy/P202070002 >>answer.json
END
alice_copies clipboard answer.json
bytes=$(stat -c %s "$home/answer.json")
alice_pastes xsel --clipboard --output
then_it "the answers have arrived ($bytes bytes)" eventually 10 has_arrived $((before + bytes))

soon "one incident, a direct egress" \
	incidents_say "len(d) == 1 and d[0]['detectors'] == ['direct_egress']"
soon "bytes out are what the chat received, to the byte" \
	incidents_say "d[0]['bytes_out'] == $bytes and d[0]['bytes_certainty'] == 'exact'"
soon "it came from the CRM and went to im.test" \
	incidents_say "{s['name'] for s in d[0]['sources']} == {'crm.test'} and [s['name'] for s in d[0]['sinks']] == ['im.test']"
lineage_has "d[0]['lineage']" \
	"curl takes from the CRM:curl:in:crm.test" "curl writes the answers:curl:out:answer.json" \
	"xclip reads them:xclip:in:answer.json" "xclip copies them to the clipboard:xclip:out:clipboard" \
	"xsel pastes them from the clipboard:xsel:in:clipboard" "nc gives them to im.test:nc.openbsd:out:im.test"
soon "the clipboard has the very bytes, on both sides" \
	incidents_say "[s['bytes'] for s in d[0]['lineage'] if s['object']['kind'] == 'clipboard'] == [$bytes, $bytes]"
"$weir" show 1 --data "$data" >"$work/show.txt" 2>&1
then_it "the story names the clipboard" grep -q "xclip copied to the clipboard" \
	<(tr '\n' ' ' <"$work/show.txt")
"$weir" show 1 --lang zh --data "$data" >"$work/show-zh.txt" 2>&1
then_it "in Chinese, too" grep -q "xsel 粘贴自 剪贴板" <(tr -d '\n' <"$work/show-zh.txt")

say "more than a megabyte of them goes in pieces"
alice_does <<'END'
while [ "$(stat -c %s many.json 2>/dev/null || echo 0)" -lt 1300000 ]; do
	cat answer.json answer.json answer.json answer.json answer.json answer.json >>many.json
done
END
alice_copies secondary many.json
many=$(stat -c %s "$home/many.json")
# xsel runs out of memory now and then when it gets pieces.
alice_pastes xclip -selection secondary -o
then_it "they have arrived ($many bytes)" eventually 10 has_arrived $((before + bytes + many))
soon "each side of the clipboard has them all" \
	events_say "[sum(e['bytes'] for e in d if e['object']['kind'] == 'clipboard' and e['direction'] == way) for way in ('out', 'in')] == [$((bytes + many))] * 2"
soon "and so has the incident" \
	incidents_say "sum(i['bytes_out'] for i in d) == $((bytes + many))"
then_it "the X server is a hub: nothing labelled comes out of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if e['app']['exe'].endswith('/Xvfb') and e['direction'] == 'out']"
then_it "no clipboard was lost sight of" \
	json_says "$work/events.jsonl" "not [e for e in d if e['kind'] == 'coverage_gap']"
