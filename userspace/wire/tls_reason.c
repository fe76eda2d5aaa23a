/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/tls_reason.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

struct words {
	long code;
	const char *text;
};

/* Completes "the agent's certificate ..." */
static const struct words certificate_words[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
	{X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet (check the clocks)"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "is of another authority"},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "is of another authority"},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, "is of another authority"},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "is of another authority"},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is of another authority"},
	{X509_V_ERR_INVALID_PURPOSE, "was not issued for that role"},
	{X509_V_ERR_SUBJECT_ISSUER_MISMATCH, "bears no usable common name"},
};

/* What the other side told us by a TLS alert; completes "the collector refused us: ..." */
static const struct words alert_words[] = {
	{SSL_R_TLSV1_ALERT_UNKNOWN_CA, "our certificate is of an authority it does not know"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired"},
	{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "our certificate is not the one it expects"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "it cannot accept our certificate"},
	{SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "our certificate is not for this role"},
	{SSL_R_TLSV1_ALERT_DECRYPT_ERROR, "our certificate's signature is not its authority's"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it requires a certificate"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it does not speak our version of TLS"},
	{SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "no common TLS parameters"},
};

/* What the other side sent; completes "the agent ..." */
static const struct words protocol_words[] = {
	{SSL_R_HTTP_REQUEST, "spoke plain HTTP, not TLS 1.3"},
	{SSL_R_HTTPS_PROXY_REQUEST, "spoke plain HTTP, not TLS 1.3"},
	{SSL_R_WRONG_VERSION_NUMBER, "did not speak TLS 1.3"},
	{SSL_R_UNSUPPORTED_PROTOCOL, "offered only versions of TLS below 1.3"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "sent no certificate"},
	{SSL_R_NO_SHARED_CIPHER, "shares no cipher with us"},
};

#define WORDS_FIND(table, code) words_find(table, sizeof(table) / sizeof((table)[0]), code)

static const char *words_find(const struct words *table, size_t n, long code)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].code == code)
			return table[i].text;
	return NULL;
}

static void describe_certificate(const struct tls_failure *failure, const char *peer,
				 char *ret_text, size_t size)
{
	const char *text = WORDS_FIND(certificate_words, failure->verify_error);

	if (failure->verify_error == X509_V_ERR_HOSTNAME_MISMATCH)
		snprintf(ret_text, size, "the %s's certificate is not for the name \"%s\"", peer,
			 failure->wanted_name);
	else
		snprintf(ret_text, size, "the %s's certificate %s", peer,
			 text ? text : X509_verify_cert_error_string(failure->verify_error));
}

void tls_reason_describe(const struct tls_failure *failure, char *ret_text, size_t size)
{
	const char *peer = failure->we_are_collector ? "agent" : "collector";
	int code = ERR_GET_REASON(failure->ssl_error);
	const char *text;

	if (failure->verify_error != X509_V_OK) {
		describe_certificate(failure, peer, ret_text, size);
		return;
	}
	text = failure->ssl_error ? WORDS_FIND(alert_words, code) : NULL;
	if (text) {
		snprintf(ret_text, size, "the %s refused us: %s", peer, text);
		return;
	}
	text = failure->ssl_error ? WORDS_FIND(protocol_words, code) : NULL;
	if (text)
		snprintf(ret_text, size, "the %s %s", peer, text);
	else
		snprintf(ret_text, size, "TLS with the %s failed: %s", peer,
			 failure->ssl_error ? ERR_reason_error_string(failure->ssl_error)
					    : "the connection ended");
}
