/* Subscriptions that catch up on what they have missed, as methods of a client. */
#ifndef APS_BINDING_CATCH_UP_LUA_H
#define APS_BINDING_CATCH_UP_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Clients are registered already. */
void apl_catch_up_register(lua_State *L);

APS_END_DECLS

#endif
