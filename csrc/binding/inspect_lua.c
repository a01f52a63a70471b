#include "binding/inspect_lua.h"

#include "binding/err_lua.h"
#include "binding/strings.h"
#include "binding/value.h"
#include "store/inspect.h"

/* inspect(path) → JSON text; nil, error */
static int Apl_inspect(lua_State *L)
{
	struct aps_err err = {0};
	const char *path = apl_check_cstring(L, 1);
	struct aps_buf *json = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	if (aps_inspect_store(path, json, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushlstring(L, json->p, json->n);
	apl_release_buffer(L, -2);
	return 1;
}

void apl_inspect_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {{"inspect", Apl_inspect}, {NULL, NULL}};
	apl_register(L, FUNCTIONS);
}
