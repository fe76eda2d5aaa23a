/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_keys.h"

#include <errno.h>
#include <string.h>

#define N_ITEMS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const class_keys[] = {"grade", "category", "title", "title_zh"};
static const char *const crm_keys[] = {"host",   "port",   "class", "tls",
				       "client", "shared", "ech",   "via"};
static const char *const export_keys[] = {"folder", "class"};
static const char *const client_keys[] = {"executable", "class"};
static const char *const trusted_keys[] = {"host", "folder"};
static const char *const sink_keys[] = {"host",   "kind",   "port",   "origin", "allowed",
					"folder", "device", "serial", "uuid"};
static const char *const hub_keys[] = {"executable", "input_method"};
static const char *const browser_keys[] = {"executable"};
static const char *const record_keys[] = {"kind", "pattern", "class", "title", "title_zh"};
static const char *const sensor_keys[] = {"max_hops", "arguments_min_bytes"};
static const char *const people_keys[] = {"staff", "accounts", "pseudonym_key"};

#define KEYS(array) .keys = array, .n_keys = N_ITEMS(array)

const struct policy_section_keys policy_keys_sections[POLICY_N_SECTION_KINDS] = {
	[POLICY_SECTION_CLASS] = {"class", true, KEYS(class_keys), "[class \"policy.property\"]"},
	[POLICY_SECTION_CRM] = {"crm", true, KEYS(crm_keys), "[crm \"main\"]"},
	[POLICY_SECTION_EXPORT] = {"export", true, KEYS(export_keys), "[export \"reports\"]"},
	[POLICY_SECTION_CLIENT] = {"client", true, KEYS(client_keys), "[client \"desktop\"]"},
	[POLICY_SECTION_TRUSTED] = {"trusted", true, KEYS(trusted_keys), "[trusted \"backup\"]"},
	[POLICY_SECTION_SINK] = {"sink", true, KEYS(sink_keys), "[sink \"messenger\"]"},
	[POLICY_SECTION_HUB] = {"hub", true, KEYS(hub_keys), "[hub \"display\"]"},
	[POLICY_SECTION_BROWSER] = {"browser", true, KEYS(browser_keys), "[browser \"chromium\"]"},
	[POLICY_SECTION_RECORD] = {"record", true, KEYS(record_keys), "[record \"policy-number\"]"},
	[POLICY_SECTION_SENSOR] = {"sensor", false, KEYS(sensor_keys), "[sensor]"},
	[POLICY_SECTION_PEOPLE] = {"people", false, KEYS(people_keys), "[people]"},
	/* Its keys depend on the detector: see policy_keys_settings. */
	[POLICY_SECTION_DETECT] = {"detect", true, NULL, 0, "[detect \"round_trip\"]"},
};

const char *const policy_keys_detectors[] = {
	"direct_egress",   "round_trip", "obfuscation",    "clean_up",
	"removable_media", "automation", "screen_capture", "dns_tunnel",
};
const size_t policy_keys_n_detectors = N_ITEMS(policy_keys_detectors);

/* A weight adds to a score of 0 to 100; a month of hours is the longest window. */
#define WEIGHT -100, 100, false
#define HOURS 1, 24 * 31, false
#define COUNT 1, 1000000, false
/* Two lookups have one interval, and one interval has no rhythm. */
#define LOOKUPS 3, 1000, false
#define SECONDS 1, 86400, false

const struct policy_setting_key policy_keys_settings[] = {
	{NULL, "enabled", 0, 1, true},
	{NULL, "weight", WEIGHT},
	{"direct_egress", "window_hours", HOURS},
	{"clean_up", "window_hours", HOURS},
	{"direct_egress", "allowed_weight", WEIGHT},
	{"direct_egress", "unnamed_weight", WEIGHT},
	{"direct_egress", "bulk_weight", WEIGHT},
	{"direct_egress", "bulk_records", COUNT},
	{"direct_egress", "bulk_bytes", 1, INT64_C(1) << 50, false},
	{"direct_egress", "min_bytes", 0, INT64_C(1) << 50, false},
	{"direct_egress", "asking_weight", WEIGHT},
	{"direct_egress", "asking_bytes", 1, 1 << 20, false},
	{"direct_egress", "asking_total_bytes", 1, INT64_C(1) << 30, false},
	{"round_trip", "min_turns", COUNT},
	{"direct_egress", "list_weight", WEIGHT},
	{"round_trip", "list_weight", WEIGHT},
	{"removable_media", "again_weight", WEIGHT},
	{"automation", "client_weight", WEIGHT},
	{"automation", "fast_lookups", LOOKUPS},
	{"automation", "fast_seconds", SECONDS},
	{"automation", "regular_lookups", LOOKUPS},
	{"automation", "regular_percent", 0, 100, false},
	{"automation", "regular_seconds", SECONDS},
	{"screen_capture", "recent_seconds", 1, 24 * 3600, false},
	{"screen_capture", "allowed_is_silent", 0, 1, true},
	{"dns_tunnel", "min_names", COUNT},
	{"dns_tunnel", "min_bytes", 1, 250, false},
	{"dns_tunnel", "window_hours", HOURS},
	{"dns_tunnel", "text_weight", WEIGHT},
};
const size_t policy_keys_n_settings = N_ITEMS(policy_keys_settings);

const char *const policy_keys_sink_kinds[] = {
	"im",
	"mail",
	"cloud",
	"web",
	"chat",
	"code",
	"share",
	"shop",
	"social",
	"ftp",
	"remote",
	"other",
	/* those of devices: see below */
	"usb",
	"mmc",
	"firewire",
	"thunderbolt",
	"optical",
	"disk",
	"phone",
	"nfs",
	"smb",
	"sshfs",
	"fuse",
	"9p",
	"virtiofs",
	"cluster",
	"printer",
	"serial",
	"bluetooth",
};
const size_t policy_keys_n_sink_kinds = N_ITEMS(policy_keys_sink_kinds);

const char *const policy_keys_devices[] = {
	"removable", "network", "usb",     "mmc",    "firewire",  "thunderbolt", "optical",
	"disk",      "phone",   "nfs",     "smb",    "sshfs",     "fuse",        "9p",
	"virtiofs",  "cluster", "printer", "serial", "bluetooth",
};
const size_t policy_keys_n_devices = N_ITEMS(policy_keys_devices);

/* Whatever is not listed is a device of its own and in no group. */
static const struct {
	const char *kind, *group;
} device_groups[] = {
	{"usb", "removable"},         {"mmc", "removable"},     {"firewire", "removable"},
	{"thunderbolt", "removable"}, {"optical", "removable"}, {"disk", "removable"},
	{"phone", "removable"},       {"nfs", "network"},       {"smb", "network"},
	{"sshfs", "network"},         {"fuse", "network"},      {"9p", "network"},
	{"virtiofs", "network"},      {"cluster", "network"},   {"cloud", "network"},
	{"ftp", "network"},
};

const struct policy_default_sink policy_keys_default_sinks[] = {
	{"Nextcloud", "/home/*/Nextcloud", "cloud"},
	{"ownCloud", "/home/*/ownCloud", "cloud"},
	{"Dropbox", "/home/*/Dropbox", "cloud"},
	{"OneDrive", "/home/*/OneDrive", "cloud"},
	{"Google Drive", "/home/*/Google Drive", "cloud"},
	{"Google Drive", "/home/*/GoogleDrive", "cloud"},
	{"Google Drive", "/home/*/Insync", "cloud"},
	{"MEGA", "/home/*/MEGA", "cloud"},
	{"MEGA", "/home/*/MEGAsync", "cloud"},
	{"pCloud", "/home/*/pCloudDrive", "cloud"},
	{"Seafile", "/home/*/Seafile", "cloud"},
	{"Syncthing", "/home/*/Sync", "cloud"},
	{"坚果云", "/home/*/Nutstore Files", "cloud"},
	{"坚果云", "/home/*/我的坚果云", "cloud"},
	{"百度网盘", "/home/*/BaiduSyncdisk", "cloud"},
	{"百度网盘", "/home/*/百度网盘同步空间", "cloud"},
	{"printer", "/run/cups/cups.sock", "printer"},
	{"printer", "/var/run/cups/cups.sock", "printer"},
};
const size_t policy_keys_n_default_sinks = N_ITEMS(policy_keys_default_sinks);

const char *const policy_keys_grades[] = {"C1", "C2", "C3"};
const size_t policy_keys_n_grades = N_ITEMS(policy_keys_grades);

const char *const policy_keys_categories[] = {
	"location_communication_credit_property",
	"lodging_callrecord_health_transaction",
	"other",
};
const size_t policy_keys_n_categories = N_ITEMS(policy_keys_categories);

/* In the order of enum policy_record_kind. */
const char *const policy_keys_record_kinds[] = {
	"pattern", "mobile", "resident_id", "email", "bank_card",
};
const size_t policy_keys_n_record_kinds = N_ITEMS(policy_keys_record_kinds);

const struct policy_hub policy_keys_hubs[] = {
	{"x-server", "/usr/lib/xorg/Xorg"},
	{"x-server", "/usr/lib/Xorg"},
	{"x-server", "/usr/libexec/Xorg"},
	{"x-server", "/usr/bin/Xvfb"},
	{"x-server", "/usr/bin/Xephyr"},
	{"x-server", "/usr/bin/Xwayland"},
	{"x-server", "/usr/bin/Xnest"},
	{"x-server", "/usr/bin/Xvnc"},
	{"x-server", "/usr/bin/Xtigervnc"},
	{"x-server", "/usr/bin/Xtightvnc"},
	{"x-compositor", "/usr/bin/picom"},
	{"x-compositor", "/usr/bin/compton"},
	{"x-compositor", "/usr/bin/xcompmgr"},
	{"x-compositor", "/usr/bin/compiz"},
	{"x-compositor", "/usr/bin/kwin_x11"},
	{"x-compositor", "/usr/bin/ukui-kwin_x11"},
	{"x-compositor", "/usr/bin/deepin-kwin_x11"},
	{"x-compositor", "/usr/bin/xfwm4"},
	{"x-compositor", "/usr/bin/marco"},
	{"x-compositor", "/usr/bin/metacity"},
	{"x-compositor", "/usr/bin/muffin"},
	{"x-compositor", "/usr/bin/cinnamon"},
	{"wayland-compositor", "/usr/bin/gnome-shell"},
	{"wayland-compositor", "/usr/bin/kwin_wayland"},
	{"wayland-compositor", "/usr/bin/mutter"},
	{"wayland-compositor", "/usr/bin/sway"},
	{"wayland-compositor", "/usr/bin/weston"},
	{"wayland-compositor", "/usr/bin/labwc"},
	{"wayland-compositor", "/usr/bin/Hyprland"},
	{"wayland-compositor", "/usr/bin/ukui-kwin_wayland"},
	{"wayland-compositor", "/usr/bin/deepin-kwin_wayland"},
	{"wayland-compositor", "/usr/bin/wayfire"},
	{"wayland-compositor", "/usr/bin/niri"},
	{"wayland-compositor", "/usr/bin/cage"},
	{"wayland-compositor", "/usr/bin/phoc"},
	{"wayland-compositor", "/usr/bin/river"},
	{POLICY_KEYS_INPUT_METHOD, "/usr/bin/ibus-daemon"},
	{POLICY_KEYS_INPUT_METHOD, "/usr/libexec/ibus-x11"},
	{POLICY_KEYS_INPUT_METHOD, "/usr/lib/ibus/ibus-x11"},
	{POLICY_KEYS_INPUT_METHOD, "/usr/bin/fcitx"},
	{POLICY_KEYS_INPUT_METHOD, "/usr/bin/fcitx5"},
	{"dbus", "/usr/bin/dbus-daemon"},
	{"dbus", "/usr/bin/dbus-broker"},
	{"pipewire", "/usr/bin/pipewire"},
	{"pipewire", "/usr/bin/pipewire-pulse"},
	{"pipewire", "/usr/bin/wireplumber"},
	{"pulseaudio", "/usr/bin/pulseaudio"},
	{"cups", "/usr/sbin/cupsd"},
	{"resolver", "/usr/lib/systemd/systemd-resolved"},
	{"resolver", "/usr/sbin/nscd"},
	{"resolver", "/usr/sbin/dnsmasq"},
	{"journal", "/usr/lib/systemd/systemd-journald"},
	{"journal", "/usr/sbin/rsyslogd"},
};
const size_t policy_keys_n_hubs = N_ITEMS(policy_keys_hubs);

bool policy_keys_kind_has_origin(const char *sink_kind)
{
	return !strcmp(sink_kind, "im") || !strcmp(sink_kind, "mail") || !strcmp(sink_kind, "chat");
}

const char *policy_keys_device_group(const char *kind)
{
	for (size_t i = 0; i < N_ITEMS(device_groups); i++)
		if (!strcmp(device_groups[i].kind, kind))
			return device_groups[i].group;
	return "";
}

int policy_keys_find_section(const char *word)
{
	for (int kind = 0; kind < POLICY_N_SECTION_KINDS; kind++)
		if (!strcmp(policy_keys_sections[kind].section, word))
			return kind;
	return -ENOENT;
}

const struct policy_setting_key *policy_keys_find_setting(const char *detector, const char *key)
{
	for (size_t i = 0; i < policy_keys_n_settings; i++) {
		const struct policy_setting_key *setting = &policy_keys_settings[i];

		if (!strcmp(setting->key, key) &&
		    (!setting->detector || !strcmp(setting->detector, detector)))
			return setting;
	}
	return NULL;
}
