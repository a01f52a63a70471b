/* A Lua interpreter whose memory holds nothing that Lua has let go of: what is found there after a collection is
 * somebody else's. `forgetful_host SCRIPT [ARGUMENT...]` */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *forgetful(void *context, void *block, size_t n_before, size_t n_bytes)
{
	(void)context;
	void *fresh = n_bytes != 0 ? malloc(n_bytes) : NULL;
	if (n_bytes != 0 && fresh == NULL) return NULL;
	if (block == NULL) return fresh; /* n_before is a kind of object then */
	if (fresh != NULL) memcpy(fresh, block, n_before < n_bytes ? n_before : n_bytes);
	explicit_bzero(block, n_before);
	free(block);
	return fresh;
}

int main(int argc, char **argv)
{
	lua_State *L = lua_newstate(forgetful, NULL);
	if (argc < 2 || L == NULL) return 77; /* LuaJIT may insist on memory of its own */
	luaL_openlibs(L);
	int rc = luaL_loadfile(L, argv[1]);
	for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
	if (rc == 0) rc = lua_pcall(L, argc - 2, 0, 0);
	if (rc != 0) fprintf(stderr, "%s\n", lua_tostring(L, -1));
	lua_close(L);
	return rc != 0;
}
