/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/file.h"

#define AUTHORITY_VALID_S (10LL * 365 * 86400)
#define LEAF_VALID_S (2LL * 365 * 86400)
/* What is valid from an hour ago works on machines whose clocks differ a little. */
#define CLOCK_SLACK_S 3600LL
#define RENEW_BEFORE_S (30LL * 86400)
#define AUTHORITY_NAME "Weir authority"
#define PEM_MAX_BYTES (64 * 1024)

DEFINE_CLEANUP(key_cleanup, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(certificate_cleanup, X509, X509_free)
DEFINE_CLEANUP(bio_cleanup, BIO, BIO_free_all)

struct issuer {
	X509 *certificate;
	EVP_PKEY *key;
};

static void issuer_cleanup(struct issuer *issuer)
{
	X509_free(issuer->certificate);
	EVP_PKEY_free(issuer->key);
}

static int path_join(char path[PATH_MAX], const char *dir, const char *file, const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s", dir, file, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int identity_check_name(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n > IDENTITY_NAME_MAX_BYTES)
		return -EINVAL;
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != n)
		return -EINVAL;
	return 0;
}

static int bio_save(BIO *bio, const char *path, mode_t mode)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	return size <= 0 ? -EIO : file_write_durably(path, data, (size_t)size, mode);
}

static int key_save(EVP_PKEY *key, const char *path)
{
	_cleanup_(bio_cleanup) BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return -ENOMEM;
	return bio_save(bio, path, 0600);
}

static int certificate_save(X509 *certificate, const char *path)
{
	_cleanup_(bio_cleanup) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || !PEM_write_bio_X509(bio, certificate))
		return -ENOMEM;
	return bio_save(bio, path, 0644);
}

/* Goes through file_read_all so that a missing file keeps its errno. */
static int bio_load(const char *path, BIO **ret_bio)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	BIO *bio;
	int r;

	r = file_read_all(path, PEM_MAX_BYTES, &data, &size);
	if (r < 0)
		return r;
	bio = BIO_new(BIO_s_mem());
	if (!bio)
		return -ENOMEM;
	if (size > 0 && BIO_write(bio, data, (int)size) != (int)size) {
		BIO_free_all(bio);
		return -ENOMEM;
	}
	explicit_bzero(data, size);
	*ret_bio = bio;
	return 0;
}

static int certificate_load(const char *path, X509 **ret_certificate)
{
	_cleanup_(bio_cleanup) BIO *bio = NULL;
	X509 *certificate;
	int r;

	r = bio_load(path, &bio);
	if (r < 0)
		return r;
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!certificate)
		return -EBADMSG;
	*ret_certificate = certificate;
	return 0;
}

static int key_load(const char *path, EVP_PKEY **ret_key)
{
	_cleanup_(bio_cleanup) BIO *bio = NULL;
	EVP_PKEY *key;
	int r;

	r = bio_load(path, &bio);
	if (r < 0)
		return r;
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	if (!key)
		return -EBADMSG;
	*ret_key = key;
	return 0;
}

static bool extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool done;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension)
		return false;
	done = X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

/* 127 random bits: unique without a counter file, and positive as RFC 5280 wants it. */
static bool serial_set(X509 *certificate)
{
	uint8_t bytes[16];
	BIGNUM *number;
	bool done;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (!number)
		return false;
	done = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return done;
}

static X509 *certificate_new(const char *name, EVP_PKEY *key, X509_NAME *issuer_name,
			     int64_t from_s, int64_t for_s)
{
	_cleanup_(certificate_cleanup) X509 *certificate = X509_new();
	X509_NAME *subject;
	time_t now = time(NULL);
	time_t from = now + from_s, until = now + from_s + for_s;

	if (!certificate || !X509_set_version(certificate, X509_VERSION_3) ||
	    !serial_set(certificate))
		return NULL;
	subject = X509_get_subject_name(certificate);
	if (!X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
					(const unsigned char *)name, -1, -1, 0) ||
	    !X509_set_issuer_name(certificate, issuer_name ? issuer_name : subject) ||
	    !X509_set_pubkey(certificate, key) ||
	    !X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &from) ||
	    !X509_time_adj_ex(X509_getm_notAfter(certificate), 0, 0, &until))
		return NULL;
	return TAKE(certificate);
}

static int authority_build(EVP_PKEY *key, X509 **ret_certificate)
{
	_cleanup_(certificate_cleanup) X509 *authority =
		certificate_new(AUTHORITY_NAME, key, NULL, -CLOCK_SLACK_S, AUTHORITY_VALID_S);

	if (!authority ||
	    !extension_add(authority, authority, NID_basic_constraints,
			   "critical,CA:TRUE,pathlen:0") ||
	    !extension_add(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !extension_add(authority, authority, NID_subject_key_identifier, "hash") ||
	    !X509_sign(authority, key, EVP_sha256()))
		return -ENOMEM;
	*ret_certificate = TAKE(authority);
	return 0;
}

int identity_make_authority(const char *dir)
{
	_cleanup_(certificate_cleanup) X509 *certificate = NULL;
	_cleanup_(key_cleanup) EVP_PKEY *key = NULL;
	char certificate_path[PATH_MAX], key_path[PATH_MAX];
	int r;

	r = path_join(certificate_path, dir, "ca", ".crt");
	if (r < 0)
		return r;
	r = path_join(key_path, dir, "ca", ".key");
	if (r < 0)
		return r;
	r = file_make_dirs(dir, 0700);
	if (r < 0)
		return r;
	if (access(certificate_path, F_OK) == 0)
		return -EEXIST;
	key = EVP_EC_gen("P-256");
	if (!key)
		return -ENOMEM;
	r = authority_build(key, &certificate);
	if (r < 0)
		return r;
	/* The certificate last: with it in place the authority is complete. */
	r = key_save(key, key_path);
	return r < 0 ? r : certificate_save(certificate, certificate_path);
}

static int issuer_load(const char *dir, struct issuer *ret_issuer)
{
	_cleanup_(issuer_cleanup) struct issuer issuer = {};
	char path[PATH_MAX];
	int r;

	r = path_join(path, dir, "ca", ".crt");
	if (r < 0)
		return r;
	r = certificate_load(path, &issuer.certificate);
	if (r < 0)
		return r;
	r = path_join(path, dir, "ca", ".key");
	if (r < 0)
		return r;
	r = key_load(path, &issuer.key);
	if (r < 0)
		return r;
	if (X509_check_private_key(issuer.certificate, issuer.key) != 1)
		return -EKEYREJECTED;
	*ret_issuer = issuer;
	issuer = (struct issuer){};
	return 0;
}

static int leaf_build(const struct issuer *issuer, const struct identity_request *request,
		      EVP_PKEY *key, X509 **ret_certificate)
{
	_cleanup_(certificate_cleanup) X509 *leaf = NULL;
	char dns_name[IDENTITY_NAME_MAX_BYTES + sizeof("DNS:")];
	const char *usage = request->role == IDENTITY_COLLECTOR ? "serverAuth" : "clientAuth";
	X509 *authority = issuer->certificate;

	leaf = certificate_new(request->name, key, X509_get_subject_name(authority),
			       request->valid_from_s - CLOCK_SLACK_S,
			       (request->valid_for_s ? request->valid_for_s : LEAF_VALID_S) +
				       CLOCK_SLACK_S);
	snprintf(dns_name, sizeof(dns_name), "DNS:%s", request->name);
	if (!leaf || !extension_add(leaf, authority, NID_basic_constraints, "critical,CA:FALSE") ||
	    !extension_add(leaf, authority, NID_key_usage, "critical,digitalSignature") ||
	    !extension_add(leaf, authority, NID_ext_key_usage, usage) ||
	    !extension_add(leaf, authority, NID_subject_alt_name, dns_name) ||
	    !extension_add(leaf, authority, NID_authority_key_identifier, "keyid") ||
	    !X509_sign(leaf, issuer->key, EVP_sha256()))
		return -ENOMEM;
	*ret_certificate = TAKE(leaf);
	return 0;
}

int identity_issue(const char *dir, const struct identity_request *request)
{
	_cleanup_(issuer_cleanup) struct issuer issuer = {};
	_cleanup_(certificate_cleanup) X509 *certificate = NULL;
	_cleanup_(key_cleanup) EVP_PKEY *key = NULL;
	char certificate_path[PATH_MAX], key_path[PATH_MAX];
	int r;

	if (identity_check_name(request->name) < 0 || identity_check_name(request->file) < 0 ||
	    (request->role != IDENTITY_AGENT && request->role != IDENTITY_COLLECTOR))
		return -EINVAL;
	r = path_join(certificate_path, dir, request->file, ".crt");
	if (r < 0)
		return r;
	r = path_join(key_path, dir, request->file, ".key");
	if (r < 0)
		return r;
	r = issuer_load(dir, &issuer);
	if (r < 0)
		return r;
	key = EVP_EC_gen("P-256");
	if (!key)
		return -ENOMEM;
	r = leaf_build(&issuer, request, key, &certificate);
	if (r < 0)
		return r;
	r = key_save(key, key_path);
	return r < 0 ? r : certificate_save(certificate, certificate_path);
}

/* Whether FILE.crt is of this name and authority, fits FILE.key, and lasts a while. */
static bool leaf_is_good(const char *dir, const char *file, const char *name)
{
	_cleanup_(issuer_cleanup) struct issuer issuer = {};
	_cleanup_(certificate_cleanup) X509 *leaf = NULL;
	_cleanup_(key_cleanup) EVP_PKEY *key = NULL;
	char path[PATH_MAX], common_name[IDENTITY_NAME_MAX_BYTES + 1];
	time_t renew_at = time(NULL) + RENEW_BEFORE_S;

	if (issuer_load(dir, &issuer) < 0 || path_join(path, dir, file, ".crt") < 0 ||
	    certificate_load(path, &leaf) < 0 || path_join(path, dir, file, ".key") < 0 ||
	    key_load(path, &key) < 0)
		return false;
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, common_name,
				      sizeof(common_name)) < 0)
		return false;
	return strcmp(common_name, name) == 0 && X509_check_private_key(leaf, key) == 1 &&
	       X509_verify(leaf, X509_get0_pubkey(issuer.certificate)) == 1 &&
	       X509_cmp_time(X509_get0_notAfter(leaf), &renew_at) > 0;
}

static int leaf_ensure(const char *dir, const char *file, const char *name, enum identity_role role)
{
	const struct identity_request request = {.file = file, .name = name, .role = role};

	return leaf_is_good(dir, file, name) ? 0 : identity_issue(dir, &request);
}

int identity_ensure(const char *dir, const char *agent_name)
{
	int r;

	r = identity_make_authority(dir);
	if (r < 0 && r != -EEXIST)
		return r;
	r = leaf_ensure(dir, "agent", agent_name, IDENTITY_AGENT);
	if (r < 0)
		return r;
	return leaf_ensure(dir, "collector", IDENTITY_COLLECTOR_NAME, IDENTITY_COLLECTOR);
}
