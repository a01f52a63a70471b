/* appsync.core.uuid and what is known of those that it has made, for one Lua state. */
#ifndef APS_BINDING_UUID_LUA_H
#define APS_BINDING_UUID_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds its functions to the table on top of the stack. */
void apl_uuid_register(lua_State *L);

APS_END_DECLS

#endif
