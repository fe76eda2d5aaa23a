/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_PIPELINE_H
#define WEIR_AGENT_PIPELINE_H

/*
 * The agent: sensor, enrich, spool, uplink, joined. An event is in the spool,
 * synced, before the kernel's counters behind it are let go, so a kill at any
 * point repeats totals and loses none.
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct agent;

struct agent_config {
	const char *data_dir; /* spool/, labels, record.key, state.json */
	const char *policy_path;
	const char *pin_dir;      /* NULL: /sys/fs/bpf/weir */
	const char *identity_dir; /* ca.crt, agent.crt, agent.key */
	const char *agent_id;
	const char *collector_host;
	uint16_t collector_port;
	bool unpin_at_exit;         /* detach the programs and forget labels when freed */
	const char *btf_path;       /* NULL: the running kernel's */
	const char *record_key;     /* of the fleet's fingerprints; NULL: data_dir/record.key */
	uint32_t ring_bytes;        /* 0: default */
	uint64_t spool_limit_bytes; /* 0: 1 GiB */
};

/* Returns when the sensor is attached. 0 or -errno, after one line on stderr that says why. */
int agent_new(sd_event *event, const struct agent_config *config, struct agent **ret_agent);
/* Sweeps a last time, gives the uplink a few seconds to empty the spool, and stops. */
void agent_free(struct agent *agent);

static inline void agent_freep(struct agent **agent)
{
	if (*agent)
		agent_free(*agent);
}

#endif
