/* One call over HTTP: a GraphQL query or mutation. Waiting for material, signing, sending,
 * retrying, answering: all of its life. @thread core, but for the command's making. */
#ifndef APS_CLIENT_CALL_H
#define APS_CLIENT_CALL_H

#include "base/arena.h"
#include "client/credential.h"
#include "proto/operation.h"

/* What the application asks for; owns its operation and its text. */
struct aps_call_command {
	struct aps_command head;
	uint64_t credential; /* 0: none */
	bool is_safe;        /* may be sent again although it may have been executed */
	struct aps_operation operation;
	int64_t timeout_ms; /* 0: the client's */
	int64_t made_ms;    /* when the application asked: its deadline counts from here */
	struct aps_arena arena;
	struct aps_header_list headers;  /* the application's, in `arena` */
	struct aps_result_event *result; /* its answer, made in advance */
};

APS_BEGIN_DECLS

/* @thread app. NULL when memory is out. Fill it, then post it. */
struct aps_call_command *aps_call_command_new(uint64_t client, uint64_t call);
/* Posts nothing back when the operation is unknown or has ended. */
struct aps_command *aps_cancel_command_new(uint64_t client, uint64_t call);

extern const struct aps_feature aps_call_feature;

APS_END_DECLS

#endif
