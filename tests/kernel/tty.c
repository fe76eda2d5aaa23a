/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>

#include <cmocka.h>

#include "kernel/letter.h"
#include "kernel/tty.h"

void tty_set_raw(const struct scene *scene, uint32_t who, int fd)
{
	struct termios *modes = (struct termios *)letter_of(scene, who);

	assert_int_equal(SCENE_CALL(scene, who, SYS_ioctl, fd, TCGETS, (long)modes), 0);
	modes->c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	modes->c_oflag &= ~(tcflag_t)OPOST;
	modes->c_iflag &= ~(tcflag_t)(ICRNL | IXON | ISTRIP | INLCR);
	assert_int_equal(SCENE_CALL(scene, who, SYS_ioctl, fd, TCSETS, (long)modes), 0);
}

void tty_read(const struct scene *scene, uint32_t who, int fd, long bytes)
{
	while (bytes > 0) {
		long n = SCENE_CALL(scene, who, SYS_read, fd, (long)scene_data(scene, who),
				    SCENE_BYTES);

		assert_true(n > 0);
		bytes -= n;
	}
	assert_int_equal(bytes, 0);
}

uint64_t tty_bytes(const struct scene *scene, enum sensor_object_kind kind, bool is_out)
{
	uint64_t bytes = 0;
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == kind && flows[i].is_out == is_out)
			bytes += flows[i].bytes;
	return bytes;
}
