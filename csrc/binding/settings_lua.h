/* A client's settings out of a Lua table. */
#ifndef APS_BINDING_SETTINGS_LUA_H
#define APS_BINDING_SETTINGS_LUA_H

#include "binding/compat.h"
#include "client/settings.h"

APS_BEGIN_DECLS

/* Throws on a wrong type; `settings` is owned by a userdata. */
void apl_read_settings(lua_State *L, int table, struct aps_settings *settings);

APS_END_DECLS

#endif
