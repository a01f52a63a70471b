#include "binding/strings.h"

#include "base/clock.h"
#include "base/rand.h"
#include "binding/value.h"

/* Comparisons, of some ten nanoseconds each: of one document, and of all within a minute, because strings that are
 * still used stand in their chain whichever document they came with. What ordinary texts reach that differ in a number
 * only, such as addresses of files, is far below. */
#define MAX_COMPARED       60000000u
#define MAX_COMPARED_TOTAL 240000000u
/* When there were so many, a document may have one text that costs much among so many others, as by chance it will. */
#define DEAR_COMPARED  32000u
#define TEXTS_PER_DEAR 256u
#define WINDOW_MS      60000
/* As many as may be garbage. */
#define WORTH_A_SWEEP 20000000u

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

static void sweep(lua_State *L, struct apl_strings *strings)
{
	if (strings->crowd.n_compared > WORTH_A_SWEEP) lua_gc(L, LUA_GCCOLLECT, 0);
	aps_crowd_clear(&strings->crowd);
}

void apl_strings_begin(lua_State *L, struct apl_document_strings *document)
{
	document->strings = NULL;
	if (!hashes_samples()) return;
	lua_rawgeti(L, APL_UPVALUE_NAMES, APL_NAMES_STRINGS);
	struct apl_strings *strings = lua_touserdata(L, -1);
	lua_pop(L, 1);
	if (strings == NULL) strings = new_strings(L);
	document->strings = strings;
	if (strings->began_at_ms != 0 && aps_clock_mono_ms() - strings->began_at_ms > WINDOW_MS) {
		sweep(L, strings);
		strings->is_swept = strings->is_alarmed = false;
		strings->began_at_ms = 0;
	}
}

/* The first time they may be garbage for the most part. */
static bool is_swept_away(lua_State *L, struct apl_strings *strings)
{
	if (strings->crowd.n_compared <= MAX_COMPARED_TOTAL) return false;
	strings->is_alarmed = strings->is_swept;
	if (strings->is_swept) return false;
	sweep(L, strings);
	strings->is_swept = true;
	return true;
}

enum aps_rc apl_strings_count(lua_State *L, struct apl_document_strings *document, struct aps_str text,
                              struct aps_err *err)
{
	struct apl_strings *strings = document->strings;
	document->n_texts++;
	uint64_t n_compared = aps_crowd_add(&strings->crowd, text);
	if (n_compared == 0) return APS_OK;
	if (strings->began_at_ms == 0) strings->began_at_ms = aps_clock_mono_ms();
	document->n_compared += n_compared;
	document->n_dear += n_compared >= DEAR_COMPARED ? 1 : 0;
	if (is_swept_away(L, strings)) return APS_OK;
	bool is_suspect = strings->is_alarmed && document->n_dear * TEXTS_PER_DEAR > document->n_texts;
	if (!is_suspect && document->n_compared <= MAX_COMPARED) return APS_OK;
	aps_crowd_drop(&strings->crowd, text, n_compared);
	return aps_fail(err, APS_E_TOO_BIG, "Too many strings collide in Lua's table of strings");
}
