/* A Lua module for tests of processes that fork, which no Lua does by itself: fork() gives 0 in the child, wait(pid)
 * the status of a child that has ended, exit(status) ends a process without what the parent has for its end. */
#include <lauxlib.h>
#include <lua.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int Apl_fork(lua_State *L)
{
	pid_t pid = fork();
	if (pid < 0) return luaL_error(L, "fork failed");
	lua_pushinteger(L, pid);
	return 1;
}

static int Apl_wait(lua_State *L)
{
	int status;
	if (waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0) < 0) return luaL_error(L, "waitpid failed");
	lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 1;
}

static int Apl_exit(lua_State *L)
{
	_exit((int)luaL_checkinteger(L, 1));
}

int luaopen_fork(lua_State *L);

int luaopen_fork(lua_State *L)
{
	lua_createtable(L, 0, 3);
	lua_pushcfunction(L, Apl_fork);
	lua_setfield(L, -2, "fork");
	lua_pushcfunction(L, Apl_wait);
	lua_setfield(L, -2, "wait");
	lua_pushcfunction(L, Apl_exit);
	lua_setfield(L, -2, "exit");
	return 1;
}
