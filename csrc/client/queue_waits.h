/* Calls of the application that wait for what becomes of their mutations. A wait ends by the outcome, by the news that
 * the mutation is queued, by its deadline, a cancel or the end of the client; the mutation goes on. @thread core */
#ifndef APS_CLIENT_QUEUE_WAITS_H
#define APS_CLIENT_QUEUE_WAITS_H

#include "client/sending.h"

struct aps_queue_wait {
	struct aps_queue_wait *next; /* of the queue */
	struct aps_queue *queue;
	uint64_t call;
	uint64_t number;
	struct aps_result_event *result;
	struct aps_timer deadline;
	int64_t timeout_ms;
	bool is_committed;   /* what it waits for is in the store */
	bool is_lost;        /* or never was */
	bool is_withdrawn;   /* the application takes it away, once that is committed; */
	bool was_sent;       /* then: a request of it may have reached the service */
	bool is_answered;    /* its event is complete, and waits for its turn (client/queue_settle.h) */
	struct aps_err left; /* before its transaction has ended: why; OK: nobody has */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

/* Takes the event, also on failure. False: no memory; then the event was emitted with that. */
bool aps_queue_waits_add(struct aps_queue *queue, uint64_t call, uint64_t number, struct aps_result_event *result,
                         int64_t end_ms, int64_t timeout_ms);
struct aps_queue_wait *aps_queue_waits_find(const struct aps_queue *queue, uint64_t number);
/* Ends the one of that call with `why`; false: there is none. */
bool aps_queue_waits_cancel(struct aps_queue *queue, uint64_t call, const struct aps_err *why);
void aps_queue_waits_cancel_all(struct aps_queue *queue, const struct aps_err *why);
/* The transaction that is open is in no store: neither are mutations that were queued in it, nor those gone that were
 * taken away. */
void aps_queue_waits_lose(struct aps_queue *queue);
/* Those whose mutations are lost: `why`. */
void aps_queue_waits_tell_lost(struct aps_queue *queue, const struct aps_err *why);
void aps_queue_waits_commit(struct aps_queue *queue);
/* The application takes that mutation (0: all of them) away in the transaction that is open. */
void aps_queue_waits_withdraw(struct aps_queue *queue, uint64_t number);
/* Those that were, and those that were left before their mutations were in the store. */
void aps_queue_waits_tell_committed(struct aps_queue *queue);
/* The service can't be reached: those that aren't under way learn that they are queued. */
void aps_queue_waits_release(struct aps_queue *queue);
/* The outcome is told to whoever waits for it, in its turn; false: nobody does. Takes the outcome. */
bool aps_queue_waits_tell(struct aps_sending *sending, const struct aps_outbox_action *action);
/* The turn of one that is answered, or of all that are. */
void aps_queue_waits_give(struct aps_queue_wait *wait);
void aps_queue_waits_give_all(struct aps_queue *queue);

APS_END_DECLS

#endif
