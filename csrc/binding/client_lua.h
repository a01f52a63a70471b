/* A client as userdata: reads options, builds commands, posts them. */
#ifndef APS_BINDING_CLIENT_LUA_H
#define APS_BINDING_CLIENT_LUA_H

#include "binding/compat.h"
#include "binding/runtime_lua.h"
#include "client/stats.h"

struct apl_caches;

struct apl_client {
	struct apl_runtime *box; /* NULL: collected */
	uint64_t id;
	bool is_closed;
	struct aps_stats *stats;
	struct apl_caches *caches; /* NULL: nothing is kept */
};

APS_BEGIN_DECLS

/* For what begins something, with a table at index 2. NULL: *err says why. */
struct apl_client *apl_client_check_usable(lua_State *L, struct aps_runtime **runtime, struct aps_err *err);
/* NULL: it is closed, or it is the parent's in a child process: what comes late, from finalizers too, is ignored. */
struct apl_client *apl_client_check_late(lua_State *L);
/* Gives the command in the pending userdata on top of the stack away: true, or nil and the error. */
int apl_client_post(lua_State *L, struct apl_client *client);
/* The same for one that is answered: its id. */
int apl_client_post_numbered(lua_State *L, struct apl_client *client, uint64_t id);

/* The metatable of clients, and the method client() of runtimes, which are registered already. */
void apl_client_register(lua_State *L);
/* More methods of clients, which are registered already. */
void apl_client_add_methods(lua_State *L, const luaL_Reg *methods);

APS_END_DECLS

#endif
