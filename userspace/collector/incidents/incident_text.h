/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_TEXT_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_TEXT_H

/*
 * Names of files and programs are chosen by the watched: a copy made here is valid
 * UTF-8 without control characters, so it can neither break a document nor steer
 * the terminal of the person who reads it.
 */

/* A copy with '?' for every byte that is not plain text; NULL counts as "". NULL when memory is
 * out. */
char *incident_text_copy(const char *text);

#endif
