#include "server/time_limit_lua.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Instructions between two looks at the clock. But for LuaJIT, each coroutine counts its own, from its first one on:
 * one that makes others looks when it has made so many that their looks are few. */
#define LOOK_INTERVAL 5000
#define MAX_OURS      512

struct time_limit {
	double deadline_s;   /* 0: none */
	lua_State *beginner; /* the thread that waits for what is limited; the registry keeps it */
	size_t n_ours;
	char ours[MAX_OURS];
};

/* Keys of the registry. */
static const char limit_key, error_key, beginner_key;

static struct time_limit *find_limit(lua_State *L)
{
	lua_pushlightuserdata(L, (void *)(uintptr_t)&limit_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	struct time_limit *limit = lua_touserdata(L, -1);
	lua_pop(L, 1); /* the registry keeps it */
	return limit;
}

static bool is_ours(const struct time_limit *limit, const char *source)
{
	return strncmp(source, limit->ours, limit->n_ours) == 0;
}

/* What is late ends at its next instruction, so that catching the error doesn't help; what is ours goes on to its end,
 * so that nothing of the server's is left half done. */
static void on_count(lua_State *L, lua_Debug *at)
{
	const struct time_limit *limit = find_limit(L);
	bool is_late = limit != NULL && limit->deadline_s > 0 && aps_clock_mono_s() >= limit->deadline_s;
	int interval = is_late ? 1 : LOOK_INTERVAL;
	if (lua_gethookcount(L) != interval) lua_sethook(L, on_count, LUA_MASKCOUNT, interval);
	bool has_waiter = is_late && limit->beginner != L && lua_gethook(limit->beginner) == on_count;
	if (has_waiter) lua_sethook(limit->beginner, on_count, LUA_MASKCOUNT, 1);
	if (!is_late || lua_getinfo(L, "S", at) == 0 || is_ours(limit, at->source)) return;
	lua_pushlightuserdata(L, (void *)(uintptr_t)&error_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	lua_error(L);
}

static struct time_limit *get_limit(lua_State *L)
{
	struct time_limit *limit = find_limit(L);
	if (limit != NULL) return limit;
	lua_pushlightuserdata(L, (void *)(uintptr_t)&limit_key);
	limit = apl_newuserdata(L, sizeof(*limit));
	*limit = (struct time_limit){.deadline_s = 0};
	lua_rawset(L, LUA_REGISTRYINDEX);
	return limit;
}

/* Returns how many values it has pushed. */
static int set_deadline(lua_State *L, struct time_limit *limit, double deadline_s)
{
	double before_s = limit->deadline_s;
	lua_Hook hook = lua_gethook(L);
	limit->deadline_s = deadline_s;
	if (deadline_s > 0 && (hook == NULL || hook == on_count)) {
		lua_sethook(L, on_count, LUA_MASKCOUNT, LOOK_INTERVAL);
	} else if (hook == on_count) {
		lua_sethook(L, NULL, 0, 0);
	}
	if (before_s == 0) return 0;
	lua_pushnumber(L, before_s);
	return 1;
}

static void set_beginner(lua_State *L, struct time_limit *limit)
{
	if (limit->beginner == L) return;
	lua_pushlightuserdata(L, (void *)(uintptr_t)&beginner_key);
	lua_pushthread(L);
	lua_rawset(L, LUA_REGISTRYINDEX);
	limit->beginner = L;
}

static int Apl_time_limit_begin(lua_State *L)
{
	double seconds = luaL_checknumber(L, 1);
	size_t n = 0;
	const char *ours = luaL_checklstring(L, 2, &n);
	luaL_checkany(L, 3);
	if (!(seconds > 0)) luaL_argerror(L, 1, "above 0 expected");
	struct time_limit *limit = get_limit(L);
	if (n != limit->n_ours || memcmp(ours, limit->ours, n) != 0) {
		if (n > MAX_OURS) luaL_argerror(L, 2, "at most 512 bytes expected");
		memcpy(limit->ours, ours, n);
		limit->n_ours = n;
	}
	lua_pushlightuserdata(L, (void *)(uintptr_t)&error_key);
	lua_pushvalue(L, 3);
	lua_rawset(L, LUA_REGISTRYINDEX);
	if (limit->deadline_s == 0) set_beginner(L, limit);
	double deadline_s = aps_clock_mono_s() + seconds;
	/* What is limited already gets no more time. */
	if (limit->deadline_s > 0 && limit->deadline_s < deadline_s) deadline_s = limit->deadline_s;
	return set_deadline(L, limit, deadline_s);
}

static int Apl_time_limit_end(lua_State *L)
{
	set_deadline(L, get_limit(L), luaL_optnumber(L, 1, 0));
	return 0;
}

void apl_time_limit_register(lua_State *L)
{
	lua_pushcfunction(L, Apl_time_limit_begin);
	lua_setfield(L, -2, "time_limit_begin");
	lua_pushcfunction(L, Apl_time_limit_end);
	lua_setfield(L, -2, "time_limit_end");
}
