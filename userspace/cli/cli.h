/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

/*
 * The subcommands of `weir`, one a file. Each parses its own options, prints
 * what was asked for on stdout and one line on stderr when it cannot, and
 * returns the exit status: 0 done, 1 failed. Wrong usage exits with 2.
 */

int cli_help(int argc, char **argv);
int cli_incidents(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_show(int argc, char **argv);
int cli_status(int argc, char **argv);

#endif
