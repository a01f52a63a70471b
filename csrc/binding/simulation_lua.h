/* core.simulation: what a simulator in Lua needs to be the core's thread, network, clock and chance. */
#ifndef APS_BINDING_SIMULATION_LUA_H
#define APS_BINDING_SIMULATION_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds the table `simulation` to the table on top of the stack, and methods to runtimes; after these. */
void apl_simulation_register(lua_State *L);

APS_END_DECLS

#endif
