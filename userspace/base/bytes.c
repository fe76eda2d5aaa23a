/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/bytes.h"

#include <zlib.h>

uint32_t bytes_checksum(const void *data, size_t size)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
}
