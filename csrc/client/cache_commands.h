/* What the application says of its caches. @thread app */
#ifndef APS_CLIENT_CACHE_COMMANDS_H
#define APS_CLIENT_CACHE_COMMANDS_H

#include "client/channel.h"
#include "client/command.h"

APS_BEGIN_DECLS

/* All of them: NULL when memory is out. */
struct aps_command *aps_cache_open_command_new(uint64_t client, uint64_t cache, const char *identity,
                                               struct aps_channel *channel);
struct aps_command *aps_cache_close_command_new(uint64_t client, uint64_t cache);

APS_END_DECLS

#endif
