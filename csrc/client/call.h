/* The application's call: a GraphQL query or mutation over HTTP that somebody waits for. What it takes to get an
 * outcome is client/request.h, and who shares it client/flight.h; here are the deadline, the cancel, the closing of the
 * client, and the event that tells. @thread core, but for the making of commands. */
#ifndef APS_CLIENT_CALL_H
#define APS_CLIENT_CALL_H

#include "client/command.h"
#include "client/event.h"
#include "client/feature.h"
#include "client/topic.h"

/* What the application asks for. */
struct aps_call_command {
	struct aps_command head;
	struct aps_topic *topic;         /* its own */
	bool is_safe;                    /* may be sent again although it may have been executed */
	bool wants_text;                 /* its data, as JSON text */
	int64_t timeout_ms;              /* 0: the client's */
	int64_t made_ms;                 /* when the application asked: its deadline counts from here */
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
