/* Clients come and go: opening, closing, and everything's end. @thread core, but for the commands' making. */
#ifndef APS_CLIENT_LIFECYCLE_H
#define APS_CLIENT_LIFECYCLE_H

#include "client/core.h"

struct aps_open_command {
	struct aps_command head;
	struct aps_settings settings; /* moved out by the core */
	struct aps_stats *stats;      /* a reference of its own */
};

APS_BEGIN_DECLS

/* @thread app */
struct aps_open_command *aps_open_command_new(uint64_t client);
struct aps_command *aps_close_command_new(uint64_t client);
struct aps_command *aps_online_command_new(uint64_t client, bool is_online);

/* Answers everything that is outstanding with kind "closed". */
void aps_lifecycle_close_all(struct aps_core *core);
/* Frees what is left; the realtime thread has ended. */
void aps_lifecycle_free_all(struct aps_core *core);

APS_END_DECLS

#endif
