/* What the application says of its caches. @thread app */
#ifndef APS_CLIENT_CACHE_COMMANDS_H
#define APS_CLIENT_CACHE_COMMANDS_H

#include "client/caching.h"
#include "client/command.h"

APS_BEGIN_DECLS

/* All of them: NULL when memory is out. */
struct aps_command *aps_cache_open_command_new(uint64_t client, uint64_t cache, const char *identity,
                                               struct aps_channel *channel);
struct aps_command *aps_cache_close_command_new(uint64_t client, uint64_t cache);
/* Its reader has met damage at that place (client/store_place.h). */
struct aps_command *aps_cache_damage_command_new(uint64_t client, uint64_t cache, uint64_t place);
/* Asks for a RESULT under the number `call`: true once the cache's store is open, or why it can't be. */
struct aps_command *aps_cache_look_command_new(uint64_t client, uint64_t cache, uint64_t call);

/* What the application has written; an optimistic layer comes with it, or leaves for it. A reference of edits is taken.
 */
struct aps_command *aps_edit_command_new(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits);
struct aps_command *aps_layer_command_new(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits);
struct aps_command *aps_settle_command_new(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits);

APS_END_DECLS

#endif
