/* Errors: one X-macro table of codes and a plain value that travels up the stack and across mailboxes.
 * An error is made once, where it is understood, with aps_fail(); layers above pass it on unchanged. */
#ifndef APS_BASE_ERR_H
#define APS_BASE_ERR_H

#include "base/macros.h"

#include <stdbool.h>

/* X(name, Lua kind, default stable word or NULL, retryable by nature) */
#define APS_RC_MAP(X)                                                                                                  \
	X(OK, "ok", NULL, false)                                                                                       \
	X(E_NOMEM, "system", "out_of_memory", false)                                                                   \
	X(E_TOO_BIG, "protocol", "too_big", false)                                                                     \
	X(E_SYNTAX, "protocol", "syntax", false)                                                                       \
	X(E_UTF8, "protocol", "invalid_utf8", false)                                                                   \
	X(E_DEPTH, "protocol", "too_deep", false)                                                                      \
	X(E_PROTOCOL, "protocol", NULL, false)                                                                         \
	X(E_USAGE, "usage", NULL, false)                                                                               \
	X(E_CLOSED, "closed", NULL, false)                                                                             \
	X(E_CANCELLED, "cancelled", NULL, false)                                                                       \
	X(E_TIMEOUT, "timeout", NULL, true)                                                                            \
	X(E_NETWORK, "network", NULL, true)                                                                            \
	X(E_TLS, "network", "tls", false)                                                                              \
	X(E_HTTP, "http", NULL, false)                                                                                 \
	X(E_GRAPHQL, "graphql", NULL, false)                                                                           \
	X(E_AUTH, "auth", NULL, false)                                                                                 \
	X(E_CONFLICT, "conflict", NULL, false)                                                                         \
	X(E_STORAGE, "storage", NULL, false)                                                                           \
	X(E_CRYPTO, "system", "crypto", false)                                                                         \
	X(E_SYSTEM, "system", NULL, true)                                                                              \
	X(E_INTERNAL, "protocol", "internal", false)

enum aps_rc {
#define APS_RC_ENUM(name, kind, word, retryable) APS_##name,
	APS_RC_MAP(APS_RC_ENUM)
#undef APS_RC_ENUM
	        APS_RC_COUNT
};

/* `word`: a stable code such as "api_key_expired"; a static string or NULL (then the table's default).
 * `native`: an HTTP status, errno, CURLcode or byte offset, as the message says; 0 when there is none. */
struct aps_err {
	enum aps_rc code;
	bool retryable;
	bool sent; /* the request may have reached the service */
	long native;
	const char *word;
	char msg[240];
};

APS_BEGIN_DECLS

/* "E_NETWORK", … */
const char *aps_rc_name(enum aps_rc code);
/* The `kind` of the Lua error object: "network", "auth", … */
const char *aps_rc_kind(enum aps_rc code);

void aps_err_clear(struct aps_err *err);
/* The stable word of the error, or NULL. */
const char *aps_err_word(const struct aps_err *err);

/* Fills *err (which may be NULL) and returns `code`. The message is one line, without a full stop; what
 * people must not see in it is replaced (aps_printable()). */
enum aps_rc aps_fail(struct aps_err *err, enum aps_rc code, const char *format, ...) APS_PRINTF(3, 4);
/* Like aps_fail(), with a stable word and a native number. */
enum aps_rc aps_fail_word(struct aps_err *err, enum aps_rc code, const char *word, long native, const char *format, ...)
        APS_PRINTF(5, 6);

APS_END_DECLS

#endif
