/* luaopen_appsync_core: assembles the C module. */
#include "binding/basics_lua.h"
#include "binding/builder_lua.h"
#include "binding/cache_edit_lua.h"
#include "binding/cache_keep_lua.h"
#include "binding/cache_lua.h"
#include "binding/cache_read_lua.h"
#include "binding/catch_up_lua.h"
#include "binding/client_lua.h"
#include "binding/event_lua.h"
#include "binding/file_lua.h"
#include "binding/gql_lua.h"
#include "binding/inspect_lua.h"
#include "binding/made_ids_lua.h"
#include "binding/merges_lua.h"
#include "binding/nginx_lua.h"
#include "binding/objects_lua.h"
#include "binding/operation_lua.h"
#include "binding/queue_lua.h"
#include "binding/runtime_lua.h"
#include "binding/sign_lua.h"
#include "binding/simulation_lua.h"
#include "binding/sync_lua.h"
#include "binding/uuid_lua.h"
#include "binding/view_lua.h"
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
	apl_inspect_register(L);
	apl_sign_register(L);
	apl_runtime_register(L);
	apl_nginx_register(L);
	apl_uuid_register(L);
	apl_client_register(L);
	apl_operation_register(L);
	apl_cache_register(L);
	apl_cache_edit_register(L);
	apl_cache_keep_register(L);
	apl_made_ids_register(L);
	apl_queue_register(L);
	apl_sync_register(L);
	apl_catch_up_register(L);
	apl_cache_read_register(L);
	apl_event_register(L);
	apl_objects_register(L);
	apl_merges_register(L);
	apl_simulation_register(L);
	apl_view_register(L);
	return 1;
}
