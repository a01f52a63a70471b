/* A limit for the time that functions of the user's take on the server's thread. */
#ifndef APS_SERVER_TIME_LIMIT_LUA_H
#define APS_SERVER_TIME_LIMIT_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds to the table on top of the stack:
 *   time_limit_begin(seconds, ours, error) -> the deadline that held before, or nil. From now on a Lua function whose
 *     chunk's name doesn't begin with `ours` ends with `error` when the time is over, whatever it catches; coroutines
 *     that are made meanwhile, too. Nothing is limited while somebody else's hook is set, such as a debugger's.
 *   time_limit_end(deadline): puts back what time_limit_begin() gave.
 * Functions in C aren't interrupted, nor is what LuaJIT has compiled. */
void apl_time_limit_register(lua_State *L);

APS_END_DECLS

#endif
