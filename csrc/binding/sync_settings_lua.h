/* What a delta sync asks for, as our Lua modules give it: of a cache's, and of a subscription that catches up. */
#ifndef APS_BINDING_SYNC_SETTINGS_LUA_H
#define APS_BINDING_SYNC_SETTINGS_LUA_H

#include "binding/compat.h"
#include "client/sync_settings.h"

APS_BEGIN_DECLS

/* Of the table at index 2: its parts, and what both have in common. *n_bytes: what they take is added. */
enum aps_rc apl_read_sync_settings(lua_State *L, struct aps_sync_settings *settings, bool adds_typenames,
                                   size_t *n_bytes, struct aps_err *err);

APS_END_DECLS

#endif
