/* What the application says of the network. @thread app */
#ifndef APS_CLIENT_REACH_COMMANDS_H
#define APS_CLIENT_REACH_COMMANDS_H

#include "client/command.h"

APS_BEGIN_DECLS

/* Both: NULL when memory is out. */
struct aps_command *aps_online_command_new(uint64_t client, bool is_online);
/* The program was in the background: a hint for all clients. */
struct aps_command *aps_suspend_command_new(void);
struct aps_command *aps_resumed_command_new(void);

APS_END_DECLS

#endif
