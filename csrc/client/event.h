/* What the core tells the application: operations of the mailbox that the Lua thread drains. */
#ifndef APS_CLIENT_EVENT_H
#define APS_CLIENT_EVENT_H

#include "base/err.h"
#include "net/http.h"
#include "proto/gqlhttp.h"
#include "rt/bytes.h"
#include "rt/mailbox.h"

#define APS_EVENT_MAP(X)                                                                                               \
	X(RESULT)                                                                                                      \
	X(SUB_STATE)                                                                                                   \
	X(SUB_DATA)                                                                                                    \
	X(SUB_END)                                                                                                     \
	X(AUTH)                                                                                                        \
	X(HEADERS)                                                                                                     \
	X(CONNECTION)                                                                                                  \
	X(LOG)                                                                                                         \
	X(CLOSED)

enum aps_event_kind {
	APS_EVENT_NONE,
#define APS_EVENT_ENUM(name) APS_EVENT_##name,
	APS_EVENT_MAP(APS_EVENT_ENUM)
#undef APS_EVENT_ENUM
	        APS_EVENT_COUNT
};

/* Head of each event; the kind of the mailbox (mail.kind) frees it. */
struct aps_event {
	struct aps_mail mail;
	enum aps_event_kind kind;
	uint64_t target; /* operation, subscription, credential or client */
};

/* RESULT of a GraphQL operation. */
struct aps_result_event {
	struct aps_event head;
	struct aps_http_answer answer;        /* body and headers; empty without a response */
	struct aps_gqlhttp_response response; /* spans into answer.body; response.err is the outcome */
	struct aps_arena decoded;             /* backs response.error_type */
	unsigned n_attempts;
	bool big_integers_as_text;
};

/* SUB_DATA: shares the bytes of the frame. */
struct aps_data_event {
	struct aps_event head;
	struct aps_bytes *bytes;
	struct aps_str payload;
	uint64_t n_dropped;
	bool big_integers_as_text;
};

/* All others: up to two words, an error, a number. */
struct aps_note_event {
	struct aps_event head;
	const char *word; /* state, reason or level: static text */
	char *text;       /* message of LOG; `errors` of SUB_END, JSON, or NULL; owned */
	bool has_err;
	struct aps_err err;
	uint64_t number; /* SUB_END: dropped; AUTH: client */
};

/* Answers that somebody waits for (RESULT, SUB_END, CLOSED) are made together with the question, on the application's
 * thread: they can't be lost for want of memory. */

APS_BEGIN_DECLS

struct aps_result_event *aps_result_event_new(uint64_t call);
struct aps_data_event *aps_data_event_new(uint64_t sub, struct aps_bytes *bytes, struct aps_str payload);
/* err may be NULL; it is copied. */
void aps_note_event_set_err(struct aps_note_event *event, const struct aps_err *err);
/* Likewise. */
struct aps_note_event *aps_note_event_new(enum aps_event_kind kind, uint64_t target, const char *word,
                                          const struct aps_err *err);

APS_END_DECLS

#endif
