/* What the application says of its subscriptions. @thread app */
#ifndef APS_CLIENT_SUBSCRIPTION_COMMANDS_H
#define APS_CLIENT_SUBSCRIPTION_COMMANDS_H

#include "client/topic.h"
#include "client/window.h"

struct aps_subscribe_command {
	struct aps_command head;
	struct aps_window_limits limits;
	bool is_shared;
	struct aps_topic *topic;
	struct aps_note_event *end; /* SUB_END, made in advance */
};

/* Answers HEADERS: a new list (its text is in `arena`), or an error text. */
struct aps_headers_command {
	struct aps_command head;
	char *error;
	struct aps_arena arena;
	struct aps_header_list headers;
};

APS_BEGIN_DECLS

/* All of them: NULL when memory is out. */
struct aps_subscribe_command *aps_subscribe_command_new(uint64_t client, uint64_t sub);
struct aps_command *aps_unsubscribe_command_new(uint64_t client, uint64_t sub);
struct aps_command *aps_consumed_command_new(uint64_t client, uint64_t sub, size_t n);
struct aps_headers_command *aps_headers_command_new(uint64_t client, uint64_t sub);

APS_END_DECLS

#endif
