/* A program that goes on after its Lua state: runs a script, closes the state, and prints how many threads there are
 * then. `ending_host SCRIPT` */
#include <dirent.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

static int count_threads(void)
{
	int n = 0;
	DIR *folder = opendir("/proc/self/task");
	for (const struct dirent *at; folder != NULL && (at = readdir(folder)) != NULL;)
		if (at->d_name[0] != '.') n++;
	if (folder != NULL) closedir(folder);
	return n;
}

int main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	if (argc < 2 || L == NULL) return 1;
	luaL_openlibs(L);
	int rc = luaL_loadfile(L, argv[1]);
	if (rc == 0) rc = lua_pcall(L, 0, 0, 0);
	if (rc != 0) fprintf(stderr, "%s\n", lua_tostring(L, -1));
	lua_close(L);
	printf("%d\n", count_threads());
	return rc != 0;
}
