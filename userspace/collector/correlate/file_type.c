/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/file_type.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define MAX_EXTENSION_BYTES 6 /* longer endings are rather part of a name */

struct extensions {
	enum file_type type;
	const char *names; /* each with a space on both sides */
};

static const struct extensions known[] = {
	/* Endings that programs give to files in passing. */
	{FILE_TYPE_NONE, " tmp temp part bak old orig save new lock swp swo swx log out "
			 "crdown filepart download "},
	{FILE_TYPE_DOCUMENT, " csv tsv txt md json xml html htm xls xlsx ods doc docx odt rtf pdf "
			     "ppt pptx odp db sqlite sql yaml yml ini et wps dps eml "},
	{FILE_TYPE_ARCHIVE, " zip 7z rar tar gz tgz bz2 tbz xz txz zst lz4 lzma cpio cab arj ar "},
	{FILE_TYPE_ENCRYPTED, " gpg pgp asc age enc aes cpt p7m b64 uue "},
	{FILE_TYPE_IMAGE, " png jpg jpeg gif bmp webp tif tiff svg ico heic heif raw psd "},
	{FILE_TYPE_MEDIA, " mp3 mp4 avi mov mkv wav flac ogg webm m4a m4v flv wmv aac "},
	{FILE_TYPE_PROGRAM, " exe dll so bin sys msi deb rpm apk jar iso img dat ttf otf "},
};

static const char *extension_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *name = slash ? slash + 1 : path ? path : "";
	const char *dot = strrchr(name, '.');

	/* A leading dot hides a file and says no type. */
	return dot && dot != name ? dot + 1 : "";
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

enum file_type file_type_of(const char *path)
{
	const char *extension = extension_of(path);
	size_t n = strlen(extension);
	char word[MAX_EXTENSION_BYTES + 3] = " ";

	if (n == 0 || n > MAX_EXTENSION_BYTES || is_number(extension) || extension[n - 1] == '~')
		return FILE_TYPE_NONE;
	for (size_t i = 0; i < n; i++)
		word[i + 1] = (char)tolower((unsigned char)extension[i]);
	word[n + 1] = ' ';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(known[i].names, word))
			return known[i].type;
	return FILE_TYPE_OTHER;
}

bool file_type_is_disguise(const char *before, const char *after)
{
	enum file_type from = file_type_of(before), to = file_type_of(after);

	if (from == to || from == FILE_TYPE_NONE || from == FILE_TYPE_OTHER || to == FILE_TYPE_NONE)
		return false;
	/* An encrypted archive goes by either name. */
	return !((from == FILE_TYPE_ARCHIVE && to == FILE_TYPE_ENCRYPTED) ||
		 (from == FILE_TYPE_ENCRYPTED && to == FILE_TYPE_ARCHIVE));
}
