/* Temporary ids as our Lua modules ask for them: see client/made_ids.h. */
#ifndef APS_BINDING_MADE_IDS_LUA_H
#define APS_BINDING_MADE_IDS_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds the methods of a cache. */
void apl_made_ids_register(lua_State *L);

APS_END_DECLS

#endif
