/* A Lua interpreter that can be built with a sanitizer, unlike the system's: `host SCRIPT [ARGUMENT…]` or `host -e
 * CODE`. Preloading a sanitizer instead would reach every program that a test starts. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

static int add_traceback(lua_State *L)
{
	luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
	return 1;
}

static void set_arguments(lua_State *L, int argc, char **argv)
{
	lua_createtable(L, argc, 2);
	for (int i = 0; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i - 1); /* arg[-1] is the interpreter, arg[0] the script */
	}
	lua_setglobal(L, "arg");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s SCRIPT [ARGUMENT...] | -e CODE\n", argv[0]);
		return 2;
	}
	lua_State *L = luaL_newstate();
	if (L == NULL) return 1;
	luaL_openlibs(L);
	set_arguments(L, argc, argv);
	lua_pushcfunction(L, add_traceback);
	int is_code = argc > 2 && strcmp(argv[1], "-e") == 0;
	int rc = is_code ? luaL_loadstring(L, argv[2]) : luaL_loadfile(L, argv[1]);
	int n_arguments = 0;
	for (int i = 2; rc == LUA_OK && !is_code && i < argc; i++, n_arguments++) lua_pushstring(L, argv[i]);
	if (rc == LUA_OK) rc = lua_pcall(L, n_arguments, 0, 1);
	if (rc != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
	lua_close(L);
	return rc == LUA_OK ? 0 : 1;
}
