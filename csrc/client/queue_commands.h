/* What the application says about its outboxes: made on its thread, run by the core. @thread app to make them */
#ifndef APS_CLIENT_QUEUE_COMMANDS_H
#define APS_CLIENT_QUEUE_COMMANDS_H

#include "client/command.h"
#include "client/queue_answer.h"
#include "client/queue_enqueue.h"

/* All that follow take a partition's number as what they are about, but for the commands of calls, whose own number is
 * that of the call. What they own is freed with them. */

struct aps_open_queue_command {
	struct aps_command head; /* its id: of the partition */
	struct aps_queue_settings settings;
};

struct aps_enqueue_command {
	struct aps_command head; /* its id: of the call */
	uint64_t cache;
	struct aps_operation operation;
	enum aps_entry_mode mode;
	bool is_idempotent, is_uncached, has_update, has_headers, has_layer;
	struct aps_header_list headers; /* all of them, for its first request; in `arena` */
	struct aps_arena arena;
	struct aps_buf own_headers, response, rules; /* JSON */
	struct aps_buf own_ids;                      /* see aps_enqueue */
	struct aps_caching_edits edits;              /* a reference */
	int64_t timeout_ms;                          /* 0: the client's */
	int64_t made_ms;
	struct aps_result_event *result; /* made in advance */
};

struct aps_queue_answer_command {
	struct aps_command head;        /* its id: of the partition */
	uint64_t entry;                 /* or the number of an outcome */
	bool is_given;                  /* there is an answer */
	struct aps_buf variables;       /* of a resolver: JSON */
	struct aps_header_list headers; /* in `arena` */
	struct aps_arena arena;
	struct aps_err failed;          /* why there are no headers */
	struct aps_caching_edits edits; /* of an update: a reference */
};

APS_BEGIN_DECLS

/* All of these: NULL when memory is out. Fill it, then post it. */
struct aps_open_queue_command *aps_open_queue_command_new(uint64_t client, uint64_t cache);
struct aps_enqueue_command *aps_enqueue_command_new(uint64_t client, uint64_t call);
struct aps_ask_queue_command *aps_ask_queue_command_new(uint64_t client, uint64_t call);
/* An `update` has run for the answer: the layer leaves for these edits. */
struct aps_queue_answer_command *aps_settle_entry_command_new(uint64_t client, uint64_t cache);
/* Whoever is told of that outcome was. */
struct aps_queue_answer_command *aps_told_command_new(uint64_t client, uint64_t cache);
/* What the resolver says of a conflict. */
struct aps_queue_answer_command *aps_resolve_command_new(uint64_t client, uint64_t cache);
/* The headers of a request. */
struct aps_queue_answer_command *aps_queue_headers_command_new(uint64_t client, uint64_t cache);

APS_END_DECLS

#endif
