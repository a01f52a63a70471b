#ifndef APS_BINDING_INSPECT_LUA_H
#define APS_BINDING_INSPECT_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* core.inspect */
void apl_inspect_register(lua_State *L);

APS_END_DECLS

#endif
