# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A USB stick, to be sourced after fixture.sh.
#
# In a machine that scripts/kernel-matrix emulates the stick is a USB disk on a USB bus: $WEIR_PLUG
# leads to the machine's monitor, which plugs it in and pulls it out, and all that is told of it is
# what the kernel found out.
#
# Elsewhere the disk is real, a file system on a loop device that is mounted, written to and
# unmounted, but what the kernel would tell of the bus in sysfs stands in for a bus that test
# machines do not have, laid out as it is for a SanDisk Ultra on Linux 6.1; it is seen by everybody
# on this machine in place of the loop device's, until the stick is pulled out.
#
# The stick is formatted with vfat where the kernel knows it, else with ext4.

stick_mount=$work/disk
stick_node=    # what is mounted: /dev/loopN, /dev/sdX1; empty while it is not plugged in
stick_disk=    # /dev/sdX, of a stick on a bus
if [ -n "${WEIR_PLUG:-}" ]; then
	stick_vendor=QEMU
	stick_model="QEMU USB HARDDRIVE"
	stick_called=$stick_model # which has the vendor in it
else
	stick_vendor=SanDisk
	stick_model=Ultra
	stick_called="SanDisk Ultra"
fi

# ---- in this machine's bus -------------------------------------------------------

# COMMAND of QEMU's human monitor, whose answer is taken as long as it speaks.
machine_does() {
	{
		printf '%s\n' "$*" >&8
		timeout 1 cat <&8 >>"$work/monitor.log"
	} 8<>"$WEIR_PLUG"
}

# knows_stick SERIAL: whether there is such a USB disk; $stick_disk then is its node.
knows_stick() {
	local disk usb

	for disk in /sys/block/sd*; do
		usb=$(realpath --quiet "$disk/device/../../../..") # of a unit of a target of a host of an interface
		[ "$(cat "$usb/serial" 2>/dev/null)" = "$1" ] && [ "$(cat "$disk/size")" -gt 0 ] || continue
		stick_disk=/dev/${disk##*/}
		return 0
	done
	return 1
}

# Asked again, as QEMU may not have let go of what was pulled out a moment ago.
takes_stick() { # PORT SERIAL
	knows_stick "$2" ||
		machine_does "device_add usb-storage,id=stick,bus=usb.0,port=$1,drive=stick,serial=$2,removable=on"
	knows_stick "$2"
}

gives_stick_up() {
	machine_does "device_del stick"
	not test -e "/sys/block/${stick_disk#/dev/}"
}

bus_has_stick() { # PORT SERIAL
	eventually 20 takes_stick "$@" || give_up "the kernel finds the stick: $(tail -n 3 "$work/monitor.log")"
}

bus_has_no_stick() {
	eventually 20 gives_stick_up || give_up "the stick is gone: $(tail -n 3 "$work/monitor.log")"
}

# ---- in sysfs only -----------------------------------------------------------------

stick_text() { # FOLDER NAME TEXT...
	mkdir -p "$1"
	printf '%s\n' "${*:3}" >"$1/$2"
}

sysfs_has_stick() { # PORT SERIAL
	local tree=$work/sys/devices/pci0000:00/0000:00:14.0/usb1/$1 link number scsi disk folder

	number=$(lsblk -dno MAJ:MIN "$stick_node" | tr -d ' ')
	scsi=$tree/$1:1.0/host2/target2:0:0/2:0:0:0
	disk=$scsi/block/sdb
	stick_text "$tree" idVendor 0781
	stick_text "$tree" idProduct 5581
	stick_text "$tree" manufacturer "$stick_vendor"
	stick_text "$tree" product "$stick_model"
	stick_text "$tree" serial "$2"
	ln -s ../../../../../bus/usb "$tree/subsystem"
	stick_text "$scsi" vendor "SanDisk "
	stick_text "$scsi" model "Ultra           "
	stick_text "$scsi" type 0
	stick_text "$disk" dev "$number"
	stick_text "$disk" removable 1
	mkdir -p "$disk/slaves"
	ln -s ../../../2:0:0:0 "$disk/device"

	folder=$work/sys/block-$1 # of the links from device numbers to disks
	mkdir "$folder"
	for link in /sys/dev/block/*; do
		ln -s "$(realpath "$link")" "$folder/${link##*/}"
	done
	ln -sfn "$disk" "$folder/$number"
	mount --bind "$folder" /sys/dev/block || give_up "the stick is seen in sysfs"
	mounts+=(/sys/dev/block)
}

# ---- what happens to a stick ---------------------------------------------------------

make_stick_file_system() { # NODE
	if grep -qw vfat /proc/filesystems && command -v mkfs.vfat >/dev/null; then
		stick_options=uid=$employee_uid
		mkfs.vfat "$1" >/dev/null 2>&1
	else
		stick_options=defaults
		mkfs.ext4 -q -F -E root_owner="$employee_uid:$employee_uid" "$1"
	fi
}

# stick_is_formatted IMAGE: 64 MB with one file system; on a bus it has a partition, as those that
# are sold have.
stick_is_formatted() {
	if [ -z "${WEIR_PLUG:-}" ]; then
		truncate -s 64M "$1"
		make_stick_file_system "$1"
		return
	fi
	bus_has_stick 1 EMPTY
	echo 'start=2048, type=c' | sfdisk --quiet "$stick_disk" || give_up "the stick has a partition"
	eventually 10 test -b "${stick_disk}1" || give_up "the kernel finds the partition"
	make_stick_file_system "${stick_disk}1"
	bus_has_no_stick
}

# stick_is_plugged_in IMAGE PORT SERIAL: into that port of the bus, and mounted.
stick_is_plugged_in() {
	if [ -n "${WEIR_PLUG:-}" ]; then
		bus_has_stick "${2#*-}" "$3"
		stick_node=${stick_disk}1
		eventually 10 test -b "$stick_node" || give_up "the kernel finds the partition"
	else
		stick_node=$(losetup --find --show "$1") || give_up "the stick has a loop device"
		sysfs_has_stick "$2" "$3"
	fi
	mkdir -p "$stick_mount"
	mount -o "$stick_options" "$stick_node" "$stick_mount" || give_up "the stick is mounted"
	mounts+=("$stick_mount")
	ln -sfn "$stick_mount" "$home/usb"
}

# Unmounted and pulled out at once: nobody waits for Weir.
stick_is_pulled_out() {
	umount "$stick_mount" || give_up "the stick is unmounted"
	unset 'mounts[-1]'
	if [ -n "${WEIR_PLUG:-}" ]; then
		bus_has_no_stick
	else
		losetup --detach "$stick_node"
		umount /sys/dev/block
		unset 'mounts[-1]'
	fi
	stick_node=
}

# Pulled out as it is, with its file system mounted. Only a bus takes that: elsewhere it is unmounted.
stick_is_torn_out() {
	[ -n "${WEIR_PLUG:-}" ] || {
		stick_is_pulled_out
		return
	}
	sync -f "$stick_mount"
	bus_has_no_stick
	umount "$stick_mount" || umount --lazy "$stick_mount" || give_up "the stick is unmounted"
	unset 'mounts[-1]'
	stick_node=
}
