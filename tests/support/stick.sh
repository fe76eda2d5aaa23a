# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A USB stick, to be sourced after fixture.sh. The disk is real: a file system on a loop device that
# is mounted, written to and unmounted. What the kernel would tell of the bus in sysfs stands in for
# a bus that test machines do not have, laid out as it is for a SanDisk Ultra on Linux 6.1; it is
# seen by everybody on this machine in place of the loop device's, until the stick is pulled out.
# The stick is formatted with vfat where the kernel knows it, else with ext4.

stick_mount=$work/disk
stick_loop=    # /dev/loopN while it is plugged in
stick_folder=  # of the links from device numbers to disks

stick_text() { # FOLDER NAME TEXT...
	mkdir -p "$1"
	printf '%s\n' "${*:3}" >"$1/$2"
}

# stick_is_formatted IMAGE: 64 MB with one file system.
stick_is_formatted() {
	truncate -s 64M "$1"
	if grep -qw vfat /proc/filesystems && command -v mkfs.vfat >/dev/null; then
		stick_options=uid=$employee_uid
		mkfs.vfat "$1" >/dev/null
	else
		stick_options=defaults
		mkfs.ext4 -q -F -E root_owner="$employee_uid:$employee_uid" "$1"
	fi
}

# stick_is_plugged_in IMAGE PORT SERIAL: into that port of the bus, and mounted.
stick_is_plugged_in() {
	local tree=$work/sys/devices/pci0000:00/0000:00:14.0/usb1/$2 link number scsi disk

	stick_loop=$(losetup --find --show "$1") || give_up "the stick has a loop device"
	number=$(lsblk -dno MAJ:MIN "$stick_loop" | tr -d ' ')
	scsi=$tree/$2:1.0/host2/target2:0:0/2:0:0:0
	disk=$scsi/block/sdb
	stick_text "$tree" idVendor 0781
	stick_text "$tree" idProduct 5581
	stick_text "$tree" manufacturer SanDisk
	stick_text "$tree" product Ultra
	stick_text "$tree" serial "$3"
	ln -s ../../../../../bus/usb "$tree/subsystem"
	stick_text "$scsi" vendor "SanDisk "
	stick_text "$scsi" model "Ultra           "
	stick_text "$scsi" type 0
	stick_text "$disk" dev "$number"
	stick_text "$disk" removable 1
	mkdir -p "$disk/slaves"
	ln -s ../../../2:0:0:0 "$disk/device"

	stick_folder=$work/sys/block-$2
	mkdir "$stick_folder"
	for link in /sys/dev/block/*; do
		ln -s "$(realpath "$link")" "$stick_folder/${link##*/}"
	done
	ln -sfn "$disk" "$stick_folder/$number"
	mount --bind "$stick_folder" /sys/dev/block || give_up "the stick is seen in sysfs"
	mounts+=(/sys/dev/block)

	mkdir -p "$stick_mount"
	mount -o "$stick_options" "$stick_loop" "$stick_mount" || give_up "the stick is mounted"
	mounts+=("$stick_mount")
	ln -sfn "$stick_mount" "$home/usb"
}

# Unmounted and pulled out at once: nobody waits for Weir.
stick_is_pulled_out() {
	umount "$stick_mount" || give_up "the stick is unmounted"
	losetup --detach "$stick_loop"
	umount /sys/dev/block
	unset 'mounts[-1]' 'mounts[-1]'
}
