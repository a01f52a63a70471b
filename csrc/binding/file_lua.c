#include "binding/file_lua.h"

#include "base/file.h"
#include "binding/err_lua.h"
#include "binding/value.h"

#include <errno.h>

#define DEFAULT_MAX_BYTES ((lua_Number)(64 << 20))

/* nil and the error, whose message names the file, whole however long that name is. */
static int fail_at(lua_State *L, const char *path, const struct aps_err *err)
{
	int n_results = apl_fail(L, err);
	lua_pushfstring(L, "%s: %s", path, err->msg);
	lua_setfield(L, -2, "message");
	return n_results;
}

/* read_file(path, max_bytes) → text */
static int Apl_read_file(lua_State *L)
{
	struct aps_err err;
	size_t n = 0;
	const char *path = luaL_checklstring(L, 1, &n);
	lua_Number max_bytes = luaL_optnumber(L, 2, DEFAULT_MAX_BYTES);
	if (strlen(path) != n) luaL_argerror(L, 1, "a file's name has no zero byte");
	if (!(max_bytes >= 0 && max_bytes <= 2147483647.0)) luaL_argerror(L, 2, "between 0 and 2147483647 expected");
	struct aps_buf *buf = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	if (aps_file_read(path, (size_t)max_bytes, buf, &err) != APS_OK) {
		apl_release_buffer(L, -1);
		if (err.native == ENOENT || err.native == ENOTDIR) err.word = "missing";
		return fail_at(L, path, &err);
	}
	lua_pushlstring(L, buf->n == 0 ? "" : buf->p, buf->n);
	apl_release_buffer(L, -2);
	return 1;
}

/* resolve(path) → path from the root */
static int Apl_resolve(lua_State *L)
{
	struct aps_err err;
	const char *path = luaL_checkstring(L, 1);
	struct aps_buf *buf = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	if (aps_file_resolve(path, buf, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushlstring(L, buf->p, buf->n);
	apl_release_buffer(L, -2);
	return 1;
}

static const luaL_Reg FUNCTIONS[] = {
        {"read_file", Apl_read_file},
        {"resolve", Apl_resolve},
        {NULL, NULL},
};

void apl_file_register(lua_State *L)
{
	apl_register(L, FUNCTIONS);
}
