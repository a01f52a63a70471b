#include "binding/err_lua.h"

static void set_text(lua_State *L, const char *name, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, name);
}

void apl_push_err(lua_State *L, const struct aps_err *err)
{
	const char *word = aps_err_word(err);
	luaL_checkstack(L, 3, "an error");
	lua_createtable(L, 0, 10);
	set_text(L, "kind", aps_rc_kind(err->code));
	set_text(L, "message", err->msg);
	if (word != NULL) set_text(L, "code", word);
	lua_pushboolean(L, err->retryable);
	lua_setfield(L, -2, "retryable");
	lua_pushboolean(L, err->sent);
	lua_setfield(L, -2, "sent");
	if (word == NULL || strcmp(word, "upgrade_refused") != 0) return;
	lua_pushinteger(L, (lua_Integer)err->native); /* there the HTTP status */
	lua_setfield(L, -2, "status");
}

int apl_fail(lua_State *L, const struct aps_err *err)
{
	luaL_checkstack(L, 1, "an error");
	lua_pushnil(L);
	apl_push_err(L, err);
	return 2;
}
