#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every way of moving bytes. Rows of customers leave the desk again and again, each time by another
# way that the kernel has: each must be found, as an egress that comes from the CRM and has the very
# bytes that the calls returned, or Weir must say that it could not follow.
#
# Each way goes to an address of its own. The mover says what it sent by the names of empty files,
# for whoever reads what it wrote would be labelled: this shell, and so everybody after it.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
mover=$build/tests/scenarios/mover/mover
port=9000

# One address for each way, all of them pan.test's neighbours.
make_recipients() {
	local way i=100

	"$mover" --ways >"$work/ways.names" || give_up "the mover says its ways"
	while read -r way; do
		ip -n weir-pan.test address add "10.77.0.$i/24" dev eth0 ||
			give_up "an address for $way"
		echo "$way 10.77.0.$i"
		i=$((i + 1))
	done <"$work/ways.names" >"$work/ways"
	serve pan.test "$port" "$support/peer" pit --port "$port"
}

# The mover is two programs: what one does with the rows that it got from the other counts.
make_movers() {
	install -m 0755 "$mover" "$home/mover"
	install -m 0755 "$mover" "$home/courier"
	install -d -o "$employee_uid" -g "$employee_uid" "$home/said"
}

move_by_every_way() {
	local way address

	while read -r way address; do
		alice ./mover "$way" customers.json "$address:$port" \
			</dev/null >>"$work/mover.out" 2>&1 ||
			say "the mover does not get through by $way"
	done <"$work/ways"
}

# The table is kept as it was when this was last asked.
every_way_is_found() {
	"$weir" incidents --json --data "$data" >"$work/incidents.json" 2>"$work/incidents.err" &&
		"$weir" replay --format jsonl --speed 0 --data "$data" >"$work/events.jsonl" \
			2>"$work/events.err" &&
		"$support/ways" "$work/ways" "$home/said" "$work/events.jsonl" \
			"$work/incidents.json" >"$work/table"
}

tell_of_every_way() {
	local verdict way found counted moved certainty

	printf '# %-22s %-34s %9s %9s  %s\n' way finding "Weir says" returned certainty
	while IFS=$'\t' read -r verdict way found counted moved certainty; do
		printf '# %-22s %-34s %9s %9s  %s\n' "$way" "$found" "$counted" "$moved" "$certainty"
	done <"$work/table"
	while IFS=$'\t' read -r verdict way found counted moved certainty; do
		case $verdict in
		ok) ok "by $way: $found" ;;
		skip) ok "by $way # SKIP $found" ;;
		*) not_ok "by $way: $found (Weir says $counted bytes, the calls $moved)" ;;
		esac
	done <"$work/table"
}

[ -x "$mover" ] || {
	echo "Bail out! $mover is not there: make scenario-programs"
	exit 1
}
set_the_stage
crm_serves crm.test
make_recipients
make_movers
weir_watches

say "sixty lookups"
alice_does <<'END'
set --
for number in $(seq 100 159); do
	set -- "$@" "https://crm.test/policy/P2020$number"
done
curl -sS "$@" >customers.json
END
then_it "the rows are there" test "$(stat -c %s "$home/customers.json")" -gt 8192

say "and out they go, by $(wc -l <"$work/ways") ways"
move_by_every_way
eventually 30 every_way_is_found
tell_of_every_way
then_it "each went to its own address: no incident has two" \
	json_says "$work/incidents.json" "all(len(i['sinks']) == 1 for i in d)"
