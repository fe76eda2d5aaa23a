/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int text_copy(const char *text, char **ret_copy)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}
