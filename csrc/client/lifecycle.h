/* Clients come and go: the commands that open them, and those by which they leave and close. @thread app */
#ifndef APS_CLIENT_LIFECYCLE_H
#define APS_CLIENT_LIFECYCLE_H

#include "client/core.h"

struct aps_open_command {
	struct aps_command head;
	struct aps_settings settings; /* moved out by the core */
	struct aps_stats *stats;      /* a reference of its own */
};

APS_BEGIN_DECLS

struct aps_open_command *aps_open_command_new(uint64_t client);
struct aps_command *aps_leave_command_new(uint64_t client);
struct aps_command *aps_close_command_new(uint64_t client);

APS_END_DECLS

#endif
