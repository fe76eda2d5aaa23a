#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A browser. In Chromium she signs in to the CRM's page, marks a customer and copies him. She pastes
# him into a mail, in the browser of her private profile, which has never been to the CRM; and in a
# terminal into a file, which goes to a chat. Of what is copied and pasted within one browser nobody
# outside of it sees more than that it had customer data and sent something: that is told then, and
# weighs little while it may be no more than asking for a page. A file that she uploads is more.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
needs_programs Xvfb chromium xdotool xterm xclip
set_the_stage
# shellcheck source=tests/support/screen.sh
. "$root/tests/support/screen.sh"

# alice_starts COMMAND...: a program with a window.
alice_starts() {
	alice env DISPLAY="$screen" TMPDIR="$home" "$@" >>"$work/windows.log" 2>&1 </dev/null &
	server_pids+=($!)
}

# alice_browses PROFILE LEFT URL: a browser, its window so far from the left. It does not ask whether
# to keep her password: that window would take what her keyboard says.
alice_browses() {
	alice mkdir -p "$home/$1/Default"
	echo '{"credentials_enable_service": false}' | alice tee "$home/$1/Default/Preferences" >/dev/null
	alice_starts chromium --user-data-dir="$home/$1" --no-first-run --password-store=basic \
		--window-position="$2,0" --window-size=800,700 \
		--ignore-certificate-errors-spki-list="$certificate_key" "$3"
}

# alice_follows PROFILE URL: in a new tab of that browser, as from a link in another program.
alice_follows() {
	alice_starts chromium --user-data-dir="$home/$1" "$2"
}

# hands COMMAND...: her keyboard and her mouse.
hands() {
	alice env DISPLAY="$screen" xdotool "$@"
}

window_of() { # TITLE
	hands search --onlyvisible --name "$1" 2>/dev/null | head -n 1
}

shows() { # TITLE
	[ -n "$(window_of "$1")" ]
}

# she_sees TITLE: waits for a window of that title and turns to it.
she_sees() {
	eventually 40 shows "$1" || give_up "a window shows '$1': $(tail -n 5 "$work/windows.log")"
	hands windowfocus "$(window_of "$1")"
	sleep 0.5
}

# she_pastes_and_sends: into the form that she looks at.
she_pastes_and_sends() {
	hands key ctrl+v
	she_sees "Web typed [0-9][0-9]"
	hands key Tab key Return
	she_sees "Web sent"
}

# has_arrived HOST: the customer, by his telephone number. Servers are nobody that Weir watches.
has_arrived() {
	grep -qsF 13900002601 "$work/$1"/received-*
}

# incident_to HOST EXPRESSION: over the incident to it, called i.
incident_to() {
	incidents_say "[i for i in d if '$1' in [s['name'] or s['address'] for s in i['sinks']] and ($2)]"
}

certificate_key=$(openssl x509 -in "$work/tls.crt" -noout -pubkey | openssl pkey -pubin -outform der |
	openssl dgst -sha256 -binary | base64)
crm_serves crm.test
web_serves mail.test
web_serves pan.test
web_serves meet.test
store_serves im.test 5222
alice_has_a_screen 1600x1000 # without a window manager: windows stay where they are put
weir_watches

say "a browser that has not been to the CRM shows the news"
alice_browses private 800 https://meet.test/news
she_sees "Web news"
weir_was_awake
then_it "nothing is said of it" \
	json_says "$work/events.jsonl" "not [e for e in $labelled if not e['app']['exe'].endswith('/curl')]"

say "in another one she signs in to the CRM, marks a customer and copies him"
alice_browses work 0 https://crm.test/
she_sees "CRM sign in"
hands type --delay 20 alice
hands key Tab
hands type --delay 20 secret
hands key Return
she_sees "CRM customer"
hands mousemove 200 400 click --repeat 3 --delay 50 1
hands key ctrl+c
eventually 10 alice xclip -display "$screen" -selection clipboard -o -target TARGETS >/dev/null 2>&1 ||
	give_up "the browser copies"
soon "the browser takes from the CRM, all its processes being one app" \
	events_say "len({e['app']['id'] for e in d if e['kind'] == 'crm_access' and e['app']['exe'].endswith('/chromium')}) == 1"

then_it "what two browsers map when they start is followed: nothing is lost" \
	events_say "not [e for e in d if e['kind'] == 'loss']"

say "she pastes him into a mail in the private one"
alice_follows private https://mail.test/
she_sees "Web compose"
she_pastes_and_sends
then_it "the mail has arrived" eventually 10 has_arrived mail.test
soon "an incident to mail.test, a direct egress of full weight: it came by the clipboard" \
	incident_to mail.test "i['detectors'] == ['direct_egress'] and i['score'] == 40"
soon "it came from the CRM, as many records as the turns let one estimate" \
	incident_to mail.test "{s['name'] for s in i['sources']} == {'crm.test'} and i['records']['certainty'] == 'estimated' and 1 <= i['records']['value'] <= 10"
soon "the lineage has: from the CRM, to the clipboard, from the clipboard, to mail.test, all by browsers" \
	incident_to mail.test "all(any(s['app']['exe'].endswith('/chromium') and s['direction'] == way and place in (s['object'].get('zone'), s['object']['kind']) for s in i['lineage']) for way, place in (('in', 'crm.test'), ('out', 'clipboard'), ('in', 'clipboard'), ('out', 'mail.test')))"
soon "who sent has not been to the CRM" \
	incident_to mail.test "not {s['app']['id'] for s in i['lineage'] if s['object'].get('zone') == 'mail.test'} & {s['app']['id'] for s in i['lineage'] if s['object'].get('zone') == 'crm.test'}"
soon "the story says so" \
	incident_to mail.test "all('chromium ' + words in i['explanation'].split(' The way it took: ')[1] for words in ('received from crm.test', 'copied to the clipboard', 'pasted from the clipboard', 'sent to mail.test'))"

say "in a terminal she pastes him into a file, which goes to a chat"
alice_starts xterm -T terminal -geometry 100x12+0+720 -e dash
she_sees terminal
hands type --delay 20 'xclip -o -selection clipboard >row.txt'
hands key Return
eventually 10 test -s "$home/row.txt"
hands type --delay 20 'nc -N im.test 5222 <row.txt'
hands key Return
then_it "the chat has it" eventually 10 has_arrived im.test
soon "an incident to im.test: from the CRM by browser, clipboard, xclip, file and nc" \
	incident_to im.test "{s['name'] for s in i['sources']} == {'crm.test'} and {'chromium', 'xclip', 'nc.openbsd'} <= {s['app']['exe'].rsplit('/')[-1] for s in i['lineage']} and 'clipboard' in {s['object']['kind'] for s in i['lineage']}"
hands type --delay 20 'cat >note.txt'
hands key Return
hands mousemove 300 800 click 2
hands key Return key ctrl+d
then_it "what was marked is in a file, by the middle button" eventually 10 test -s "$home/note.txt"
soon "the terminal has taken it from the clipboard" \
	events_say "[e for e in d if str(e['app'].get('exe')).endswith('/xterm') and e['object']['kind'] == 'clipboard' and e['direction'] == 'in']"

say "the browser that has been to the CRM shows the news, too"
alice_follows work https://meet.test/news
she_sees "Web news"
soon "that it asked for a page is told, and weighs little" \
	incident_to 10.77.0.50 "i['detectors'] == ['direct_egress'] and i['severity'] == 'low' and i['score'] == 10"
soon "the story says why" \
	incident_to 10.77.0.50 "'only what a browser sends to ask for a page: chromium' in i['explanation']"

say "a note of hers goes out by the browser that has been to the CRM"
alice_follows work https://pan.test/
she_sees "Web compose"
she_pastes_and_sends
then_it "the note has arrived" eventually 10 has_arrived pan.test
soon "an incident to pan.test: that browser took from the CRM and sent" \
	incident_to pan.test "{s['name'] for s in i['sources']} == {'crm.test'} and i['records']['certainty'] == 'estimated'"

say "a page in it sends thirty thousand bytes"
alice_follows work https://pan.test/upload
she_sees "Web sent"
soon "that is an upload" \
	incident_to pan.test "i['severity'] == 'medium' and i['score'] == 40"

say "she looks at her mail in it"
alice_follows work https://mail.test/
she_sees "Web compose"

weir_stops
then_it "that it looked customers up before her mail came in makes no round trip" \
	incident_to mail.test "i['detectors'] == ['direct_egress'] and {s['app']['id'] for s in i['lineage'] if s['object'].get('zone') == 'mail.test'} & {s['app']['id'] for s in i['lineage'] if s['object'].get('zone') == 'crm.test'}"
then_it "nothing of the customer stands in what Weir wrote" \
	not grep -raqF -e 13900002601 -e "张丽" "$data" "$weir_log" "$weir_live"
