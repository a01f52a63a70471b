/* What the core tells the application: mail that the Lua thread takes. A kind is declared in one line of the table
 * below: what it carries, whom its number names (that is its route: the object with this number gets it), and which
 * three values Lua gets. `lua/appsync/_meta/core.lua` has the same lines for people; a test compares them. */
#ifndef APS_CLIENT_EVENT_H
#define APS_CLIENT_EVENT_H

#include "base/err.h"
#include "client/view.h"
#include "net/http.h"
#include "proto/gqlhttp.h"
#include "rt/bytes.h"
#include "rt/mailbox.h"

/*        kind        shape    target        a       b       c */
#define APS_EVENT_MAP(X)                                                                                               \
	X(RESULT, RESULT, call, DATA, ERR, INFO)                                                                       \
	X(SUB_STATE, NOTE, subscription, WORD, ERR, NUMBER)                                                            \
	X(SUB_DATA, PAYLOAD, subscription, DATA, ERR, NUMBER)                                                          \
	X(SUB_END, NOTE, subscription, ERR, NONE, NUMBER)                                                              \
	X(AUTH, NOTE, credential, WORD, NUMBER, NONE)                                                                  \
	X(HEADERS, NOTE, subscription, NONE, NONE, NONE)                                                               \
	X(VIEW, VIEW, watch, VIEW, ERR, MARK)                                                                          \
	X(ASK, QUESTION, client, QUESTION, NUMBER, WORD)                                                               \
	X(QUEUE, RESULT, cache, DATA, ERR, INFO)                                                                       \
	X(SYNC, RESULT, sync, DATA, ERR, INFO)                                                                         \
	X(CONNECTION, NOTE, client, WORD, ERR, NONE)                                                                   \
	X(REACH, NOTE, client, WORD, NONE, NONE)                                                                       \
	X(LOG, NOTE, client, WORD, TEXT, NONE)                                                                         \
	X(CLOSED, NOTE, client, NONE, NONE, NONE)                                                                      \
	X(REQUEST, NOTE, request, NONE, NONE, NONE)

enum aps_event_kind {
	APS_EVENT_NONE,
#define APS_EVENT_ENUM(name, shape, target, a, b, c) APS_EVENT_##name,
	APS_EVENT_MAP(APS_EVENT_ENUM)
#undef APS_EVENT_ENUM
	        APS_EVENT_COUNT
};

/* Which struct an event is. */
enum aps_event_shape { APS_SHAPE_RESULT, APS_SHAPE_PAYLOAD, APS_SHAPE_VIEW, APS_SHAPE_QUESTION, APS_SHAPE_NOTE };

/* What becomes a Lua value. DATA and INFO are of RESULT and PAYLOAD, VIEW and MARK are a view, QUESTION is
 * client/question.h; the others are members of a note. */
#define APS_EVENT_VALUE_MAP(X) X(NONE) X(DATA) X(ERR) X(INFO) X(VIEW) X(MARK) X(QUESTION) X(WORD) X(TEXT) X(NUMBER)

enum aps_event_value {
#define APS_EVENT_VALUE_ENUM(name) APS_VALUE_##name,
	APS_EVENT_VALUE_MAP(APS_EVENT_VALUE_ENUM)
#undef APS_EVENT_VALUE_ENUM
};

struct aps_event_form {
	const char *name;
	enum aps_event_shape shape;
	const char *target;
	enum aps_event_value values[3];
};

/* Head of each event; the kind of the mailbox (mail.kind) frees it. */
struct aps_event {
	struct aps_mail mail;
	enum aps_event_kind kind;
	uint64_t target; /* call, subscription, credential or client */
	uint64_t client; /* it tells of nothing but what this client keeps: it needn't wait for others; 0: it waits */
};

/* Where a result came from; the names are those of `info.source`. */
#define APS_RESULT_SOURCE_MAP(X) X(NETWORK, "network") X(CACHE, "cache") X(QUEUE, "optimistic")

enum aps_result_source {
#define APS_RESULT_SOURCE_ENUM(name, text) APS_RESULT_FROM_##name,
	APS_RESULT_SOURCE_MAP(APS_RESULT_SOURCE_ENUM)
#undef APS_RESULT_SOURCE_ENUM
};

#define APS_QUEUED_ID_CHARS 32

/* Of a mutation that went through an outbox. */
struct aps_queued_result {
	uint64_t entry;                       /* its number; 0: it didn't */
	char id[APS_QUEUED_ID_CHARS];         /* for the application */
	bool is_queued;                       /* it is still there */
	int64_t n_entries;                    /* of the queue by now; 0: not said */
	bool has_layer;                       /* its optimistic layer waits for the application's update */
	uint64_t outcome;                     /* in the log, not told yet; 0: none */
	const char *dead;                     /* static text: it is a dead letter, and why; NULL: it isn't */
	char blocked_by[APS_QUEUED_ID_CHARS]; /* of that; may be empty */
};

/* RESULT of a GraphQL operation. */
struct aps_result_event {
	struct aps_event head;
	enum aps_result_source source;
	struct aps_http_answer answer;        /* of the network: its HTTP part; empty without a response */
	struct aps_bytes *bytes;              /* of the others: JSON text that never changes; NULL: none */
	struct aps_gqlhttp_response response; /* spans into answer.body or bytes; response.err is the outcome */
	struct aps_arena decoded;             /* backs response.error_type */
	unsigned n_attempts;
	struct aps_queued_result queued;
	unsigned n_refs; /* on the application's thread, once it was taken: who reads its texts later holds it */
	bool big_integers_as_text;
	bool has_data_text; /* the data is for who wants JSON text */
};

/* PAYLOAD: shares the bytes of the frame. */
struct aps_data_event {
	struct aps_event head;
	struct aps_bytes *bytes;
	struct aps_str payload;
	uint64_t n_dropped;
	bool big_integers_as_text;
};

/* VIEW: what a watch shows now. */
struct aps_view_event {
	struct aps_event head;
	struct aps_view *view; /* NULL: err tells why it can't be read */
	struct aps_err err;
	bool is_asked;    /* for: nothing may have changed */
	bool is_doubtful; /* the service may know other values: it is to be asked */
	bool big_integers_as_text;
};

/* NOTE: up to two words, an error, a number. */
struct aps_note_event {
	struct aps_event head;
	const char *word; /* state, reason or level: static text; NULL: none */
	char *text;       /* a message; owned; NULL: none */
	bool has_err;
	struct aps_err err;
	char *errors;    /* the service's `errors` that belong to err: JSON text; owned; NULL: none */
	uint64_t number; /* SUB_STATE and SUB_END: dropped; AUTH: client */
};

/* Answers that somebody waits for (RESULT, SUB_END, CLOSED) are made together with the question, on the application's
 * thread: they can't be lost for want of memory. */

APS_BEGIN_DECLS

/* NULL: there is no such kind. */
const struct aps_event_form *aps_event_form(enum aps_event_kind kind);
const char *aps_result_source_name(enum aps_result_source source);

struct aps_result_event *aps_result_event_new(uint64_t call);
/* It stays as it is until it was freed once more. */
struct aps_result_event *aps_result_event_ref(struct aps_result_event *event);
void aps_result_event_unref(struct aps_result_event *event); /* NULL is legal */
/* One whose data the core makes: a number; what it takes is there. */
struct aps_result_event *aps_number_event_new(uint64_t call);
/* The number, or with `why` the failure. */
void aps_result_event_say(struct aps_result_event *event, uint64_t number, const struct aps_err *why);
struct aps_data_event *aps_data_event_new(uint64_t sub, struct aps_bytes *bytes, struct aps_str payload);
/* Before it is kept: gives it bytes of its own where it would hold a block many times its size, which is what was read
 * in one turn for all subscriptions. Without memory it holds the block. */
void aps_data_event_own(struct aps_data_event *event);
/* Data that the core has made: JSON text, copied. E_NOMEM: also where `json` failed. */
enum aps_rc aps_result_event_set_json(struct aps_result_event *event, struct aps_buf *json, struct aps_err *err);
/* Takes the view, also on failure; NULL: memory is out. */
struct aps_view_event *aps_view_event_new(uint64_t watch, struct aps_view *view, const struct aps_err *err);
/* err may be NULL; it is copied. */
void aps_note_event_set_err(struct aps_note_event *event, const struct aps_err *err);
/* Likewise. */
struct aps_note_event *aps_note_event_new(enum aps_event_kind kind, uint64_t target, const char *word,
                                          const struct aps_err *err);

APS_END_DECLS

#endif
