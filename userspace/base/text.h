/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

/* Texts that may be absent: NULL stays NULL and is no failure. */

/* Sets *ret_copy to a copy that the caller frees, or to NULL for NULL. 0 or -ENOMEM. */
int text_copy(const char *text, char **ret_copy);

#endif
