/* What an application asks about its outbox, and the answers, which wait until what they tell of is on the disk. */
#ifndef APS_CLIENT_QUEUE_ANSWER_H
#define APS_CLIENT_QUEUE_ANSWER_H

#include "client/caching.h"
#include "client/queue.h"

/* X(NAME, "name"): what can be asked. */
#define APS_QUEUE_ASK_MAP(X)                                                                                           \
	X(LIST, "list")                                                                                                \
	X(DEAD_LETTERS, "dead_letters")                                                                                \
	X(RESULTS, "results")                                                                                          \
	X(STATUS, "status")                                                                                            \
	X(FIND, "find")                                                                                                \
	X(BLOCKED, "blocked")                                                                                          \
	X(FINISH, "finish")                                                                                            \
	X(DISCARD, "discard")                                                                                          \
	X(EDIT, "edit")                                                                                                \
	X(RETRY, "retry")                                                                                              \
	X(BURY_ALL, "bury_all")                                                                                        \
	X(WIPE, "wipe")                                                                                                \
	X(ADOPT, "adopt")

enum aps_queue_ask {
#define APS_QUEUE_ASK_ENUM(name, text) APS_QUEUE_ASK_##name,
	APS_QUEUE_ASK_MAP(APS_QUEUE_ASK_ENUM)
#undef APS_QUEUE_ASK_ENUM
	        APS_QUEUE_ASK_COUNT
};

struct aps_ask_queue_command {
	struct aps_command head;            /* its id: of the call */
	struct aps_ask_queue_command *next; /* of those whose answers wait */
	uint64_t cache;
	enum aps_queue_ask what;
	struct aps_buf text;            /* an entry's id, or an identity */
	struct aps_buf json;            /* EDIT: the variables */
	double number;                  /* RESULTS: since */
	struct aps_caching_edits edits; /* RETRY: a reference */
	bool has_layer;
	struct aps_result_event *result; /* made in advance */
	struct aps_buf answer;           /* JSON */
	struct aps_err why;              /* it has failed */
	bool is_committed;               /* what it has changed; */
	bool is_lost;                    /* or nothing of it is */
};

APS_BEGIN_DECLS

/* False: there is no such word. */
bool aps_queue_ask_find(struct aps_str word, enum aps_queue_ask *what);
/* Answers that have waited for a transaction: those whose changes are committed, or with `why` those whose are lost.
 * @thread core */
void aps_queue_answer_asked(struct aps_queue *queue, const struct aps_err *why);
/* All that wait still, with *why. @thread core */
void aps_queue_drop_asked(struct aps_queue *queue, const struct aps_err *why);
/* Tells it what there is, or command->why. `queue` may be NULL. @thread core */
void aps_queue_answer(struct aps_core *core, struct aps_queue *queue, struct aps_ask_queue_command *command);

APS_END_DECLS

#endif
