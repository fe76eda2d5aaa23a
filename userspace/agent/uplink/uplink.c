/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/uplink/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "agent/uplink/resolve.h"
#include "agent/uplink/uplink_private.h"
#include "base/cleanup.h"
#include "wire/message.h"
#include "wire/stream.h"
#include "wire/tls.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 30000
#define WINDOW_BYTES (1024 * 1024)
#define BATCH_BYTES (256 * 1024)
#define OPEN_TIMEOUT_NS (10 * UINT64_C(1000000000))

static void uplink_connect_next(struct uplink *uplink);

static void uplink_set_state(struct uplink *uplink, enum uplink_state state, const char *reason)
{
	bool changed = uplink->state != state || reason;

	uplink->state = state;
	if (changed && uplink->config.on_state)
		uplink->config.on_state(uplink->config.on_state_userdata, state, reason);
}

/* A fleet whose collector restarts must not come back in one instant: up to a quarter is random. */
static uint64_t backoff_next_us(struct uplink *uplink)
{
	uint64_t wait_us = (uint64_t)uplink->backoff_ms * 1000;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	uplink->backoff_ms *= 2;
	if (uplink->backoff_ms > uplink->config.backoff_max_ms)
		uplink->backoff_ms = uplink->config.backoff_max_ms;
	return wait_us - wait_us / 4 * random / UINT32_MAX;
}

static void uplink_wait(struct uplink *uplink, const char *reason)
{
	snprintf(uplink->reason, sizeof(uplink->reason), "%s", reason);
	uplink->counts.failures++;
	sd_event_source_set_time_relative(uplink->retry, backoff_next_us(uplink));
	sd_event_source_set_enabled(uplink->retry, SD_EVENT_ONESHOT);
	uplink_set_state(uplink, UPLINK_WAITING, uplink->reason);
}

static void uplink_on_open(void *userdata)
{
	uplink_send_hello(userdata);
}

static void uplink_on_message(void *userdata, const struct message *message)
{
	struct uplink *uplink = userdata;

	if (!uplink_receive(uplink, message))
		return;
	uplink->counts.connects++;
	uplink_set_state(uplink, UPLINK_CONNECTED, NULL);
	uplink_pump(uplink);
}

static void uplink_on_closed(void *userdata, const char *reason)
{
	struct uplink *uplink = userdata;
	char text[UPLINK_REASON_MAX_BYTES];

	snprintf(text, sizeof(text), "%s", reason);
	stream_free(TAKE(uplink->stream));
	uplink_forget_flights(uplink);
	if (uplink->state == UPLINK_CONNECTING && uplink->next_address < uplink->n_addresses)
		uplink_connect_next(uplink);
	else
		uplink_wait(uplink, text);
}

static int uplink_connect(struct uplink *uplink, const struct uplink_address *address)
{
	static const struct stream_handler handler_template = {
		.on_open = uplink_on_open,
		.on_message = uplink_on_message,
		.on_closed = uplink_on_closed,
	};
	struct stream_handler handler = handler_template;
	_cleanup_close_ int fd = -1;
	int r;

	handler.userdata = uplink;
	fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address->address, address->size) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	r = stream_new(uplink->event, uplink->tls, fd, OPEN_TIMEOUT_NS, &handler, &uplink->stream);
	if (r == 0)
		(void)TAKE_FD(fd);
	return r;
}

static void uplink_connect_next(struct uplink *uplink)
{
	char reason[UPLINK_REASON_MAX_BYTES];
	int r = -EHOSTUNREACH;

	while (r < 0 && uplink->next_address < uplink->n_addresses)
		r = uplink_connect(uplink, &uplink->addresses[uplink->next_address++]);
	if (r == 0)
		return;
	snprintf(reason, sizeof(reason), "cannot connect: %s", strerror(-r));
	uplink_wait(uplink, reason);
}

static void uplink_on_resolved(void *userdata, int error, const struct addrinfo *list)
{
	struct uplink *uplink = userdata;
	char reason[UPLINK_REASON_MAX_BYTES];

	uplink->n_addresses = uplink->next_address = 0;
	for (; error == 0 && list && uplink->n_addresses < UPLINK_ADDRESSES_MAX;
	     list = list->ai_next) {
		struct uplink_address *address = &uplink->addresses[uplink->n_addresses];

		if (list->ai_addrlen > sizeof(address->address))
			continue;
		memcpy(&address->address, list->ai_addr, list->ai_addrlen);
		address->size = list->ai_addrlen;
		uplink->n_addresses++;
	}
	resolve_free(TAKE(uplink->resolve));
	if (uplink->n_addresses > 0) {
		uplink_connect_next(uplink);
		return;
	}
	snprintf(reason, sizeof(reason), "cannot find %s: %s", uplink->config.host,
		 error ? gai_strerror(error) : "no address");
	uplink_wait(uplink, reason);
}

static int uplink_on_retry(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct uplink *uplink = userdata;
	char reason[UPLINK_REASON_MAX_BYTES];
	int r;

	(void)source;
	(void)now_us;
	uplink_set_state(uplink, UPLINK_CONNECTING, NULL);
	r = resolve_new(uplink->event, uplink->config.host, uplink->config.port, uplink_on_resolved,
			uplink, &uplink->resolve);
	if (r < 0) {
		snprintf(reason, sizeof(reason), "cannot look %s up: %s", uplink->config.host,
			 strerror(-r));
		uplink_wait(uplink, reason);
	}
	return 0;
}

static int uplink_on_silence(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct uplink *uplink = userdata;

	(void)source;
	(void)now_us;
	if (uplink->stream)
		stream_close(uplink->stream, "the collector did not answer for a minute");
	return 0;
}

void uplink_notify(struct uplink *uplink)
{
	if (uplink->state == UPLINK_CONNECTED)
		uplink_pump(uplink);
}

static int string_copy(const char **field, const char *text)
{
	*field = strdup(text);
	return *field ? 0 : -ENOMEM;
}

static int config_copy(struct uplink_config *config)
{
	const struct uplink_config from = *config;

	config->host = config->collector_name = config->agent = config->boot_id = NULL;
	config->identity = (struct identity_files){};
	if (!config->backoff_first_ms)
		config->backoff_first_ms = BACKOFF_FIRST_MS;
	if (!config->backoff_max_ms)
		config->backoff_max_ms = BACKOFF_MAX_MS;
	if (!config->window_bytes)
		config->window_bytes = WINDOW_BYTES;
	if (!config->batch_bytes)
		config->batch_bytes = BATCH_BYTES;
	if (string_copy(&config->host, from.host) < 0 ||
	    string_copy(&config->agent, from.agent) < 0 ||
	    string_copy(&config->boot_id, from.boot_id ? from.boot_id : "") < 0)
		return -ENOMEM;
	return 0;
}

static int uplink_add_timers(struct uplink *uplink)
{
	int r;

	r = sd_event_add_time_relative(uplink->event, &uplink->silence, CLOCK_MONOTONIC, 0, 0,
				       uplink_on_silence, uplink);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(uplink->silence, SD_EVENT_OFF);
	if (r < 0)
		return r;
	/* Runs out at once: the first attempt. */
	return sd_event_add_time_relative(uplink->event, &uplink->retry, CLOCK_MONOTONIC, 0, 0,
					  uplink_on_retry, uplink);
}

static int uplink_set_up(struct uplink *uplink, const struct uplink_config *config,
			 char **ret_reason)
{
	int r;

	r = config_copy(&uplink->config);
	if (r < 0)
		return r;
	uplink->backoff_ms = uplink->config.backoff_first_ms;
	uplink->outbox.boot_id = uplink->config.boot_id;
	r = tls_context_new_client(&config->identity,
				   config->collector_name ? config->collector_name
							  : IDENTITY_COLLECTOR_NAME,
				   &uplink->tls, ret_reason);
	return r < 0 ? r : uplink_add_timers(uplink);
}

int uplink_new(sd_event *event, const struct uplink_config *config, struct uplink **ret_uplink,
	       char **ret_reason)
{
	struct uplink *uplink;
	int r;

	uplink = calloc(1, sizeof(*uplink));
	if (!uplink)
		return -ENOMEM;
	uplink->event = sd_event_ref(event);
	uplink->state = UPLINK_CONNECTING;
	uplink->config = *config;
	r = uplink_set_up(uplink, config, ret_reason);
	if (r < 0) {
		uplink_free(uplink);
		return r;
	}
	*ret_uplink = uplink;
	return 0;
}

void uplink_free(struct uplink *uplink)
{
	if (!uplink)
		return;
	stream_free(uplink->stream);
	resolve_free(uplink->resolve);
	sd_event_source_disable_unref(uplink->retry);
	sd_event_source_disable_unref(uplink->silence);
	tls_context_free(uplink->tls);
	outbox_release(&uplink->outbox);
	free((char *)uplink->config.host);
	free((char *)uplink->config.agent);
	free((char *)uplink->config.boot_id);
	sd_event_unref(uplink->event);
	free(uplink);
}

enum uplink_state uplink_state(const struct uplink *uplink)
{
	return uplink->state;
}

const char *uplink_reason(const struct uplink *uplink)
{
	return uplink->reason;
}

void uplink_count(const struct uplink *uplink, struct uplink_counts *ret_counts)
{
	*ret_counts = uplink->counts;
}
