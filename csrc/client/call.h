/* The application's call: a GraphQL query or mutation over HTTP that somebody waits for. What it takes to get an
 * outcome is client/request.h; here are the deadline, the cancel, the closing of the client, and the event that tells.
 * @thread core, but for the making of commands. */
#ifndef APS_CLIENT_CALL_H
#define APS_CLIENT_CALL_H

#include "base/arena.h"
#include "client/command.h"
#include "client/event.h"
#include "client/feature.h"
#include "codec/header.h"
#include "proto/operation.h"

/* What the application asks for; owns its operation and its text. */
struct aps_call_command {
	struct aps_command head;
	uint64_t credential; /* 0: none */
	bool is_safe;        /* may be sent again although it may have been executed */
	uint64_t cache;      /* that its data is written into; 0: none */
	struct aps_operation operation;
	int64_t timeout_ms; /* 0: the client's */
	int64_t made_ms;    /* when the application asked: its deadline counts from here */
	struct aps_arena arena;
	struct aps_header_list headers;  /* the application's, in `arena` */
	struct aps_result_event *result; /* its answer, made in advance: it can't be lost for want of memory */
};

APS_BEGIN_DECLS

/* @thread app. NULL when memory is out. Fill it, then post it. */
struct aps_call_command *aps_call_command_new(uint64_t client, uint64_t call);
/* Posts nothing back when the operation is unknown or has ended. */
struct aps_command *aps_cancel_command_new(uint64_t client, uint64_t call);

extern const struct aps_feature aps_call_feature;

APS_END_DECLS

#endif
