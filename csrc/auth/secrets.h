/* What must not be shown of one request, one connection or one client: values that a server was sent, and may echo.
 * Wiped when it is cleared, as all memory is. */
#ifndef APS_AUTH_SECRETS_H
#define APS_AUTH_SECRETS_H

#include "auth/material.h"
#include "auth/sigv4.h"
#include "base/buf.h"
#include "base/map.h"

/* Shorter ones would mask common words: they are kept where they are credentials by the name of their header, and are
 * looked for as whole words. */
#define APS_SECRET_MIN_BYTES   8
#define APS_SECRET_SHORT_BYTES 4
/* Of attempts that came before: no more than this is kept. */
#define APS_SECRETS_OLD_BYTES ((size_t)64 * 1024)

struct aps_secrets {
	struct aps_buf records; /* its `rc` tells of memory that was out: then nothing of a text may be shown */
	struct aps_map known;   /* records by their value's hash */
	size_t least;           /* private: shorter ones aren't kept now */
};

struct aps_secret {
	struct aps_str value; /* borrowed */
	bool is_composite;    /* begins with common words, such as "AWS4-HMAC-SHA256 Credential=" */
};

APS_BEGIN_DECLS

void aps_secrets_init(struct aps_secrets *secrets);
void aps_secrets_clear(struct aps_secrets *secrets);
void aps_secrets_add_material(struct aps_secrets *secrets, const struct aps_auth_material *material);
/* Where the name says that the value is one: authorization, cookie, …token…, …secret…, …key…, …password…. A scheme
 * before it, a signature in it, and what Basic credentials decode to are kept for themselves too. Of Authorization,
 * Proxy-Authorization, Cookie, x-api-key and x-amz-security-token also short ones. */
void aps_secrets_add_header(struct aps_secrets *secrets, struct aps_str name, struct aps_str value);
void aps_secrets_add_headers(struct aps_secrets *secrets, const struct aps_header *headers, size_t n_headers);
/* The members of a JSON object as headers: the authorization object of AppSync's realtime messages. */
void aps_secrets_add_object(struct aps_secrets *secrets, struct aps_str json);
/* User and password before a URL's host, also where no scheme stands before them; NULL is legal. */
void aps_secrets_add_url(struct aps_secrets *secrets, const char *url);
void aps_secrets_add_all(struct aps_secrets *secrets, const struct aps_secrets *others);
/* False at the end. `*cursor` is 0 at first. */
bool aps_secrets_next(const struct aps_secrets *secrets, size_t *cursor, struct aps_secret *out);

APS_END_DECLS

#endif
