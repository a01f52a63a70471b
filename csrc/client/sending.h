/* What is under way for one entry of a queue: its request, or the look at its record, the answer until it is stored,
 * and then until it was told. @thread core
 *
 *    aps_sending_send() -- answer --> verdict --> the machine --FINISH, BURY--> aps_sending_… stay --TELL--> freed
 *    aps_sending_look() -- record --> judged -->/
 */
#ifndef APS_CLIENT_SENDING_H
#define APS_CLIENT_SENDING_H

#include "client/caching.h"
#include "client/late_request.h"
#include "client/queue.h"
#include "client/queue_extra.h"
#include "client/request.h"
#include "sync/safety.h"

struct aps_sending {
	struct aps_sending *next; /* of the queue */
	struct aps_queue *queue;  /* NULL: it has ended, and the cache still has its answer in hand */
	uint64_t number;
	struct aps_outbox_row row; /* as it is sent: temporary ids gave way */
	struct aps_buf variables, optimistic;
	bool names_unmade; /* a temporary id in its variables has no other one, and its maker is no more */
	struct aps_queue_extra extra;
	struct aps_operation operation;
	struct aps_operation question;         /* of a look; */
	const struct aps_identity_part *asked; /* by these its record was asked for, in `arena` */
	size_t n_asked;
	struct aps_str *disguised; /* and what it shows under names of other fields */
	size_t n_disguised;
	struct aps_header_list headers;
	struct aps_arena arena;
	struct aps_safety safety;
	struct aps_outcome_sink sink;
	struct aps_request request;
	bool is_requested; /* it is under way */
	bool is_look;
	bool is_looked_at; /* its record was asked for, at some time */
	bool waits_for_headers;
	bool has_headers; /* they were given when it was queued, for its first request */
	struct aps_header_list given;
	struct aps_arena given_arena;
	struct aps_late_request last;
	struct aps_timer asking;     /* what it needs to be sent is asked for: see aps_sending_send() */
	bool is_unmarked;            /* in the store: it isn't being sent yet */
	struct aps_outcome outcome;  /* the answer, or why there is none */
	struct aps_str record;       /* the service's, of a conflict or a look: a span of `outcome` */
	struct aps_str error_record; /* likewise: what the error of a conflict has of it */
	int64_t retry_after_ms;      /* -1: the service has said nothing */
	struct aps_parked parked;
	struct aps_buf mapped;   /* temporary ids and those that came with it: see aps_partition_data */
	bool is_parked;          /* the cache waits for the application */
	struct aps_buf late;     /* what it waits with of an answer that is told before */
	uint64_t outcome_number; /* in the log; 0: not there yet */
	bool is_kept;            /* the answer was written into the cache, */
	bool has_lost_answer;    /* by a transaction that failed */
	bool has_update;         /* this run has a function for its answer */
	bool has_layer;          /* it stays until the application has run its update */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

struct aps_sending *aps_sending_find(const struct aps_queue *queue, uint64_t number);
/* For what is about to be done with an entry; the one that is there already, if one is. NULL: no memory, or *err. */
struct aps_sending *aps_sending_get(struct aps_queue *queue, uint64_t number, struct aps_err *err);
/* It waits for headers, a token or credentials, and isn't marked as being sent. */
bool aps_sending_is_idle(const struct aps_sending *sending);
/* In the transaction that is open: the store says that it isn't being sent. That of an idle one may have been lost. */
enum aps_rc aps_sending_unmark(const struct aps_sending *sending, struct aps_err *err);
/* Nobody is told. */
void aps_sending_end(struct aps_sending *sending);
/* Both feed the machine what comes of it, later. While a function of the application takes its time with headers, a
 * token or credentials, a mutation isn't marked as being sent: a process that ends then leaves it as it was queued. */
void aps_sending_send(struct aps_queue *queue, uint64_t number);
void aps_sending_look(struct aps_queue *queue, uint64_t number);
/* The headers that were asked for; `failed` NULL: these are they. */
void aps_sending_give_headers(struct aps_sending *sending, const struct aps_header_list *headers,
                              const struct aps_err *failed);
/* Those of its first request. */
enum aps_rc aps_sending_prepare(struct aps_sending *sending, const struct aps_header_list *headers,
                                struct aps_err *err);
/* Its answer goes into the cache once more: the transaction that it was in is lost. It doesn't wait for the
 * application: what that has to be asked about comes later. */
void aps_sending_keep_again(struct aps_sending *sending);
/* There is no answer, only an error. */
void aps_sending_set_err(struct aps_sending *sending, const struct aps_err *err);

APS_END_DECLS

#endif
