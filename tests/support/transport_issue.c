/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "transport_fixture.h"

static FILE *file_open(const char *dir, const char *file, const char *suffix, const char *mode)
{
	_cleanup_free_ char *path = NULL;
	FILE *stream;

	assert_true(asprintf(&path, "%s/%s%s", dir, file, suffix) > 0);
	stream = fopen(path, mode);
	assert_non_null(stream);
	return stream;
}

static X509 *certificate_new(const char *name, EVP_PKEY *key, X509 *authority)
{
	X509 *certificate = X509_new();

	assert_non_null(certificate);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 77);
	X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(authority));
	X509_set_pubkey(certificate, key);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	return certificate;
}

void transport_issue_without_role(const char *dir, const char *file, const char *name)
{
	_cleanup_fclose_ FILE *ca_in = file_open(dir, "ca", ".crt", "r");
	_cleanup_fclose_ FILE *ca_key_in = file_open(dir, "ca", ".key", "r");
	_cleanup_fclose_ FILE *out = file_open(dir, file, ".crt", "w");
	_cleanup_fclose_ FILE *key_out = file_open(dir, file, ".key", "w");
	X509 *authority = PEM_read_X509(ca_in, NULL, NULL, NULL);
	EVP_PKEY *authority_key = PEM_read_PrivateKey(ca_key_in, NULL, NULL, NULL);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = certificate_new(name, key, authority);

	assert_true(X509_sign(certificate, authority_key, EVP_sha256()) > 0);
	assert_true(PEM_write_X509(out, certificate));
	assert_true(PEM_write_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL));
	X509_free(certificate);
	X509_free(authority);
	EVP_PKEY_free(key);
	EVP_PKEY_free(authority_key);
}
