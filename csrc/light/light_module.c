/* luaopen_appsync_core of the light build: without what needs a store or a realtime connection. */
#include "binding/basics_lua.h"
#include "binding/builder_lua.h"
#include "binding/client_lua.h"
#include "binding/event_lua.h"
#include "binding/file_lua.h"
#include "binding/gql_lua.h"
#include "binding/nginx_lua.h"
#include "binding/operation_lua.h"
#include "binding/runtime_lua.h"
#include "binding/sign_lua.h"
#include "binding/uuid_lua.h"
#include "client/process.h"

APS_EXPORT int luaopen_appsync_core(lua_State *L);

APS_EXPORT int luaopen_appsync_core(lua_State *L)
{
	aps_process_load();
	lua_newtable(L);
	apl_basics_register(L);
	apl_builder_register(L);
	apl_file_register(L);
	apl_gql_register(L);
	apl_sign_register(L);
	apl_runtime_register(L);
	apl_nginx_register(L);
	apl_uuid_register(L);
	apl_client_register(L);
	apl_operation_register(L);
	apl_event_register(L);
	lua_pushboolean(L, true);
	lua_setfield(L, -2, "is_light");
	return 1;
}
