# SPDX-License-Identifier: GPL-2.0-only
# A build of another ABI version: apps, flows and the state have grown at their end. Objects have
# not: they stand on the stack where up to 6.12 it has no room left, so it must be made first.
s/^#define WEIR_ABI_VERSION 4$/#define WEIR_ABI_VERSION 5/
/^struct weir_app {$/,/^};$/ s/^};$/	__u64 later;\n};/
/^struct weir_flow {$/,/^};$/ s/^};$/	__u64 later;\n};/
/^struct weir_state {$/,/^};$/ s/^};$/	__u64 later;\n};/
s/sizeof(struct weir_app) == 128/sizeof(struct weir_app) == 136/
s/sizeof(struct weir_flow) == 480/sizeof(struct weir_flow) == 488/
s/sizeof(struct weir_state) == 248/sizeof(struct weir_state) == 256/
