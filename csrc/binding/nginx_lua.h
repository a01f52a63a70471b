/* nginx, as far as Lua can't ask it: when a request ends, in whatever way. */
#ifndef APS_BINDING_NGINX_LUA_H
#define APS_BINDING_NGINX_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds is_yieldable() and n_states() to the table on top of the stack, and watch_request() to the methods of runtimes.
 */
void apl_nginx_register(lua_State *L);

APS_END_DECLS

#endif
