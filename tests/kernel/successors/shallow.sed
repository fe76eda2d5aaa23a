# SPDX-License-Identifier: GPL-2.0-only
# Another build of the same ABI: its programs look for an export folder two levels up only.
s/^#define FOLDER_DEPTH 32$/#define FOLDER_DEPTH 2/
