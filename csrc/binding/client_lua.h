/* A client as userdata: reads options, builds commands, posts them. */
#ifndef APS_BINDING_CLIENT_LUA_H
#define APS_BINDING_CLIENT_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* The metatable of clients, and the method client() of runtimes, which are registered already. */
void apl_client_register(lua_State *L);

APS_END_DECLS

#endif
