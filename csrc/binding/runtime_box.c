#include "binding/runtime_box.h"

#include "client/disposal.h"

#define DISPOSED_BYTES ((size_t)256 * 1024)

bool apl_runtime_push_current(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, APL_CURRENT_RUNTIME);
	struct apl_runtime **slot = lua_touserdata(L, -1);
	if (slot != NULL && *slot != NULL && (*slot)->runtime != NULL && aps_runtime_is_usable((*slot)->runtime))
		return true;
	lua_pop(L, 1);
	return false;
}

bool apl_runtime_is_open(lua_State *L)
{
	bool is_open = apl_runtime_push_current(L);
	if (is_open) lua_pop(L, 1);
	return is_open;
}

void apl_runtime_dispose(lua_State *L, size_t n_bytes, void (*let_go)(void *object), void *object)
{
	struct aps_err unwanted;
	struct aps_command *command = NULL;
	if (n_bytes >= DISPOSED_BYTES && apl_runtime_push_current(L)) {
		struct apl_runtime **slot = lua_touserdata(L, -1);
		command = aps_disposal_command_new(let_go, object);
		if (command != NULL) aps_runtime_post((*slot)->runtime, command, &unwanted);
		lua_pop(L, 1);
	}
	if (command == NULL) let_go(object);
}
