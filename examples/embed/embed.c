/* A program with a frame loop that embeds Lua: `embed APP.LUA [ARGUMENT…]`. APP.LUA returns a table {frame=, quit=}. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define FRAMES_PER_S 60
#define S_IN_NS      1000000000L
#define BUDGET_S     0.002 /* of each frame's 16.7 ms, for results and events */
#define MAX_FRAMES   (20 * FRAMES_PER_S)

static volatile sig_atomic_t must_quit;

static void on_signal(int number)
{
	(void)number;
	must_quit = 1;
}

#ifdef APPSYNC_STATIC
/* In libappsync.a. Lua's headers say nothing of it; C++ needs `extern "C"`. */
int luaopen_appsync_core(lua_State *L);

/* So `require "appsync.core"` looks for no shared object. */
static void preload_core(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "preload");
	lua_pushcfunction(L, luaopen_appsync_core);
	lua_setfield(L, -2, "appsync.core");
	lua_pop(L, 2);
}
#else
static void preload_core(lua_State *L)
{
	(void)L; /* package.cpath leads to appsync/core.so */
}
#endif

static int add_traceback(lua_State *L)
{
	lua_getglobal(L, "debug");
	lua_getfield(L, -1, "traceback");
	lua_getglobal(L, "tostring");
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	lua_pushinteger(L, 2);
	lua_call(L, 2, 1);
	return 1;
}

/* Calls the function below its `n` arguments; what it raised is printed. */
static int call(lua_State *L, int n, int n_results)
{
	int at = lua_gettop(L) - n;
	lua_pushcfunction(L, add_traceback);
	lua_insert(L, at);
	int rc = lua_pcall(L, n, n_results, at);
	lua_remove(L, at);
	if (rc == 0) return 1;
	fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
	lua_pop(L, 1);
	return 0;
}

/* Calls `name` of the table at `index`: its result, -1 when it raised. */
static int call_method(lua_State *L, int index, const char *name)
{
	lua_getfield(L, index, name);
	if (!call(L, 0, 1)) return -1;
	int is_true = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return is_true;
}

/* Leaves appsync.update and the application's table on the stack. */
static int load(lua_State *L, int argc, char **argv)
{
	luaL_openlibs(L);
	preload_core(L);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "appsync");
	if (!call(L, 1, 1)) return 0;
	lua_getfield(L, -1, "update");
	lua_remove(L, -2);
	if (luaL_loadfile(L, argv[1]) != 0) {
		fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
		return 0;
	}
	for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
	return call(L, argc - 2, 1);
}

static void wait_for_next(struct timespec *frame)
{
	frame->tv_nsec += S_IN_NS / FRAMES_PER_S;
	if (frame->tv_nsec >= S_IN_NS) {
		frame->tv_nsec -= S_IN_NS;
		frame->tv_sec++;
	}
	while (!must_quit && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, frame, NULL) != 0) {
	}
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / S_IN_NS;
}

/* Frames until the application has had enough, or somebody has: whether nothing was raised. */
static int run_frames(lua_State *L, int update, int app)
{
	struct timespec frame, began;
	double longest_s = 0;
	int n = 0, goes_on = 1;
	clock_gettime(CLOCK_MONOTONIC, &frame);
	while (goes_on == 1 && !must_quit && n < MAX_FRAMES) {
		clock_gettime(CLOCK_MONOTONIC, &began);
		lua_pushvalue(L, update);
		lua_pushnumber(L, BUDGET_S);
		if (!call(L, 1, 0)) return 0;
		double took_s = seconds_since(&began);
		if (took_s > longest_s) longest_s = took_s;
		/* Here a program handles its input, computes and draws. */
		goes_on = call_method(L, app, "frame");
		wait_for_next(&frame);
		n++;
	}
	printf("embed: %d frames, the longest update took %.1f ms\n", n, longest_s * 1e3);
	return goes_on != -1;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s APP.LUA [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	lua_State *L = luaL_newstate();
	if (L == NULL) return 1;
	int is_well = load(L, argc, argv);
	if (is_well) {
		int app = lua_gettop(L);
		is_well = run_frames(L, app - 1, app);
		is_well = call_method(L, app, "quit") == 1 && is_well;
	}
	lua_close(L); /* ends the library's threads */
	return is_well ? 0 : 1;
}
