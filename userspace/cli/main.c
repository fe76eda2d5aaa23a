/* SPDX-License-Identifier: GPL-2.0-only */
#include <argp.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/scan/scan_worker.h"
#include "base/log.h"
#include "cli/cli.h"

#define EXIT_USAGE 2

const char *argp_program_version = "weir 0.1.0";

struct command {
	const char *name;
	const char *full_name; /* as its messages begin */
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{"run", "weir run", cli_run, "watch this machine: agent and collector in one"},
	{"incidents", "weir incidents", cli_incidents, "list the incidents"},
	{"show", "weir show", cli_show, "tell one incident"},
	{"replay", "weir replay", cli_replay, "replay an incident or the whole timeline"},
	{"status", "weir status", cli_status, "what the agent and the collector are doing"},
	{"policy", "weir policy", cli_policy, "check a policy"},
	{"help", "weir help", cli_help, "this list, or the options of one command"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int run_command(int argc, char **argv)
{
	const struct command *command = find_command(argv[0]);

	if (!command) {
		log_error("there is no command \"%s\"; weir help lists them", argv[0]);
		return EXIT_USAGE;
	}
	argv[0] = (char *)command->full_name;
	return command->run(argc, argv);
}

int cli_help(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] != '-') {
		char *arguments[] = {argv[1], "--help", NULL};

		return run_command(2, arguments);
	}
	puts("Usage: weir COMMAND [OPTION...]\n\n"
	     "Weir follows customer data from the CRM to where it leaves this machine.\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-10s  %s\n", commands[i].name, commands[i].summary);
	puts("\nweir help COMMAND tells the options of one. Exit status: 0 done, 1 failed, 2 wrong "
	     "usage.");
	return 0;
}

int main(int argc, char **argv)
{
	/* The agent of weir run starts this program as its scanner. */
	if (argc == 2 && strcmp(argv[1], SCAN_WORKER_ARGUMENT) == 0)
		return scan_worker_run(SCAN_WORKER_FD);
	log_set_program("weir");
	argp_err_exit_status = EXIT_USAGE;
	setlocale(LC_ALL, "");
	/* Names are UTF-8 whatever the terminal's language is. */
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	/* strtod() and printf() of the figures keep to the point. */
	setlocale(LC_NUMERIC, "C");

	if (argc < 2) {
		cli_help(1, argv);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts(argp_program_version);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)
		return cli_help(1, argv);
	return run_command(argc - 1, argv + 1);
}
