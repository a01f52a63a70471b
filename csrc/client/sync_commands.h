/* What the application says about its delta syncs: made on its thread, run by the core. @thread app to make them */
#ifndef APS_CLIENT_SYNC_COMMANDS_H
#define APS_CLIENT_SYNC_COMMANDS_H

#include "client/command.h"
#include "client/sync_run.h"

/* Their id is the sync's number; what they own is freed with them. */

struct aps_open_sync_command {
	struct aps_command head;
	uint64_t cache;
	uint64_t ids; /* of the cache whose ids all variables are to have; 0: of none */
	struct aps_sync_settings *settings;
	struct aps_result_event *end; /* made in advance */
};

struct aps_sync_answer_command {
	struct aps_command head;
	uint64_t cache;
	uint64_t question;
	struct aps_caching_edits edits; /* a reference */
	struct aps_buf more;            /* variables of the next page: JSON; empty: none */
	bool has_failed;                /* the functions weren't done: nothing was begun */
	bool are_given;                 /* headers: */
	struct aps_header_list headers; /* in `arena` */
	struct aps_arena arena;
	struct aps_err failed; /* or why there are none */
	uint64_t n;            /* how many more records; of what was handed over: how many events were settled */
};

struct aps_ask_sync_command {
	struct aps_command head; /* its id: of the call */
	uint64_t sync;
	struct aps_result_event *result; /* made in advance */
};

APS_BEGIN_DECLS

/* All of these: NULL when memory is out. Fill it, then post it. */
struct aps_open_sync_command *aps_open_sync_command_new(uint64_t client, uint64_t sync);
struct aps_command *aps_stop_sync_command_new(uint64_t client, uint64_t sync);
/* What functions have said of a page or an event. */
struct aps_sync_answer_command *aps_settle_sync_command_new(uint64_t client, uint64_t sync);
struct aps_sync_answer_command *aps_sync_headers_command_new(uint64_t client, uint64_t sync);
/* So many records more than where it was truncated. */
struct aps_sync_answer_command *aps_sync_more_command_new(uint64_t client, uint64_t sync);
/* Its RESULT has the list of quarantined records. */
struct aps_ask_sync_command *aps_ask_sync_command_new(uint64_t client, uint64_t call);

APS_END_DECLS

#endif
