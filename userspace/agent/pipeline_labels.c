/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/keeper.h"
#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define LOOK_US 5000000ull
#define ACCURACY_US 50000ull
#define MOUNTS_US 1000000ull
#define MOUNTS_BURST 5
/* As many as the sensor's smallest table of objects takes; 6 MB on disk. */
#define KEPT_FILES_MAX 131072

static void on_news(void *userdata, enum keeper_news news, uint64_t n, const char *detail)
{
	agent_emit_note(userdata, news == KEEPER_GAP ? EVENT_COVERAGE_GAP : EVENT_LOSS,
			clock_realtime_ns(), 0, n, detail);
	log_warning("%s", detail);
}

static int on_look(sd_event_source *source, uint64_t us, void *userdata)
{
	struct agent *agent = userdata;

	(void)us;
	keeper_look(agent->keeper, clock_boottime_ns());
	sd_event_source_set_time_relative(source, LOOK_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int on_mounts(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct agent *agent = userdata;

	(void)source;
	(void)fd;
	(void)events;
	keeper_mounts_changed(agent->keeper);
	/* On failure the volumes of before are better than none, and the next change tries again.
	 */
	(void)volumes_refresh(agent->volumes);
	return 0;
}

static int watch_mounts(struct agent *agent)
{
	_cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	/* Always readable; a change is told by EPOLLPRI (mounts_poll(), fs/proc_namespace.c). */
	r = sd_event_add_io(agent->loop, &agent->mounts_source, fd, EPOLLPRI, on_mounts, agent);
	if (r < 0)
		return r;
	/* Whoever mounts without end must not keep the agent from its work; nothing is missed. */
	(void)sd_event_source_set_ratelimit(agent->mounts_source, MOUNTS_US, MOUNTS_BURST);
	(void)sd_event_source_set_io_fd_own(agent->mounts_source, true);
	(void)TAKE_FD(fd);
	return 0;
}

int agent_start_keeper(struct agent *agent)
{
	_cleanup_free_ char *path = NULL;
	struct keeper_config config = {.sensor = agent->sensor,
				       .policy = agent->policy,
				       .max_files = KEPT_FILES_MAX,
				       .tell = on_news,
				       .userdata = agent};
	int r;

	if (asprintf(&path, "%s/labels", agent->config.data_dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	config.path = path;
	/* Before the keeper reads the mounts: one that comes in between is told. */
	r = watch_mounts(agent);
	if (r >= 0)
		r = volumes_refresh(agent->volumes);
	if (r >= 0)
		r = keeper_new(&config, &agent->keeper);
	if (r >= 0)
		r = sd_event_add_time_relative(agent->loop, &agent->labels_timer, CLOCK_MONOTONIC,
					       LOOK_US, ACCURACY_US, on_look, agent);
	if (r < 0)
		log_error("cannot keep labels of files: %s", strerror(-r));
	return r < 0 ? r : 0;
}

bool agent_has_restored(const struct agent *agent)
{
	struct keeper_counts counts;

	if (!agent->keeper)
		return false;
	keeper_count(agent->keeper, &counts);
	return counts.restored > 0;
}

void agent_stop_keeper(struct agent *agent)
{
	if (agent->keeper)
		(void)keeper_write(agent->keeper);
}
