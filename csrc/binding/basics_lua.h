/* What the module can do without a client: JSON, clocks, Lua's stack; and what it is: its version, the process. */
#ifndef APS_BINDING_BASICS_LUA_H
#define APS_BINDING_BASICS_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds its functions and constants to the table on top of the stack. */
void apl_basics_register(lua_State *L);

APS_END_DECLS

#endif
