#include "binding/strings.h"

#include "base/rand.h"
#include "binding/value.h"

/* Of one document: what ordinary texts reach that differ in a number only, such as addresses of files, is far below. A
 * comparison takes some ten nanoseconds. */
#define MAX_COMPARED 60000000u
/* What earlier documents left behind stands in the same chains until it is collected. From here on that is worth the
 * time. */
#define SWEEP_COMPARED 20000000u

#if APL_HASHES_SAMPLES
/* One object serves PUC 5.1 and LuaJIT, which hashes all of a string where a chain gets long. */
extern int luaJIT_setmode(lua_State *L, int index, int mode) __attribute__((weak));

static bool hashes_samples(void)
{
	return luaJIT_setmode == NULL;
}
#else
static bool hashes_samples(void)
{
	return false;
}
#endif

static struct apl_strings *new_strings(lua_State *L)
{
	uint64_t seed;
	struct apl_strings *strings = apl_newuserdata(L, sizeof *strings);
	if (!aps_rand_system(&seed, sizeof seed)) seed = (uintptr_t)strings;
	*strings = (struct apl_strings){.is_swept = false};
	aps_crowd_init(&strings->crowd, seed);
	lua_rawseti(L, APL_UPVALUE_NAMES, APL_NAMES_STRINGS);
	return strings;
}

struct apl_strings *apl_strings_begin(lua_State *L)
{
	if (!hashes_samples()) return NULL;
	lua_rawgeti(L, APL_UPVALUE_NAMES, APL_NAMES_STRINGS);
	struct apl_strings *strings = lua_touserdata(L, -1);
	lua_pop(L, 1);
	if (strings == NULL) strings = new_strings(L);
	if (strings->is_swept) aps_crowd_init(&strings->crowd, strings->crowd.seed ^ strings->crowd.dice);
	strings->is_swept = false;
	strings->began_at = strings->crowd.n_compared;
	return strings;
}

enum aps_rc apl_strings_count(lua_State *L, struct apl_strings *strings, struct aps_str text, struct aps_err *err)
{
	uint64_t n_compared = aps_crowd_add(&strings->crowd, text);
	if (n_compared <= SWEEP_COMPARED) return APS_OK;
	if (!strings->is_swept) {
		strings->is_swept = true;
		lua_gc(L, LUA_GCCOLLECT, 0);
	}
	if (n_compared - strings->began_at <= MAX_COMPARED) return APS_OK;
	return aps_fail(err, APS_E_TOO_BIG, "Too many strings collide in Lua's table of strings");
}
