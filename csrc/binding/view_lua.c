#include "binding/view_lua.h"

#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/runtime_box.h"
#include "binding/value_build.h"
#include "binding/value_parts.h"
#include "cache/answer_text.h"

#define VIEW "appsync.core.view"

struct view {
	struct aps_view *view; /* NULL: it is over */
	struct apl_value_build build;
	struct apl_value_parts parts;
	bool has_begun;
};

void apl_view_push(lua_State *L, struct aps_view *shown, enum apl_big_integers big)
{
	struct view *view = apl_newuserdata(L, sizeof *view);
	view->view = NULL;
	luaL_getmetatable(L, VIEW);
	lua_setmetatable(L, -2);
	view->view = aps_view_ref(shown);
	view->has_begun = false;
	apl_value_build_init_packed(&view->build, &shown->data, big);
	apl_value_parts_init(&view->parts, shown);
	view->build.parts = &view->parts;
}

static struct view *check(lua_State *L)
{
	struct view *view = luaL_checkudata(L, 1, VIEW);
	if (view->view == NULL) luaL_error(L, "the view is over");
	return view;
}

static void let_go(struct view *view)
{
	aps_view_unref(view->view);
	view->view = NULL;
}

static void unref_view(void *view)
{
	aps_view_unref(view);
}

/* view:step(max_values, held, memo) → true, value; false; nil, err */
static int Apl_view_step(lua_State *L)
{
	struct aps_err err = {0};
	struct view *view = check(L);
	lua_Number max_values = luaL_checknumber(L, 2);
	luaL_argcheck(L, max_values >= 1, 2, "at least 1 expected");
	luaL_checktype(L, 3, LUA_TTABLE);
	luaL_checktype(L, 4, LUA_TTABLE);
	lua_settop(L, 4);
	view->parts.memo = 4;
	if (!view->has_begun) {
		lua_rawgeti(L, 4, 0);
		view->parts.has_memo = !lua_isnil(L, -1);
		view->has_begun = true;
		lua_pop(L, 1);
	}
	enum apl_step step = apl_value_build_step(L, &view->build, 3, apl_size_of(max_values), &err);
	if (step == APL_STEP_MORE) {
		lua_pushboolean(L, 0);
		return 1;
	}
	if (step == APL_STEP_DONE) apl_value_parts_finish(L, &view->parts);
	apl_runtime_dispose(L, view->view->n_bytes, unref_view, view->view);
	view->view = NULL;
	if (step == APL_STEP_FAILED) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	lua_insert(L, -2);
	return 2;
}

/* view:text() → its value as JSON text; nil, err */
static int Apl_view_text(lua_State *L)
{
	struct aps_err err = {0};
	const struct view *view = check(L);
	struct aps_buf *text = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	if (aps_answer_text(text, &view->view->data, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushlstring(L, text->p, text->n);
	apl_release_buffer(L, -2);
	return 1;
}

/* view:state() → is_whole, is_optimistic, n_bytes */
static int Apl_view_state(lua_State *L)
{
	const struct view *view = check(L);
	lua_pushboolean(L, view->view->is_whole);
	lua_pushboolean(L, view->view->is_optimistic);
	lua_pushnumber(L, (lua_Number)view->view->data.bytes.n);
	return 3;
}

/* view:missing() → a list of paths */
static int Apl_view_missing(lua_State *L)
{
	const struct aps_view *view = check(L)->view;
	int n = 0;
	lua_newtable(L);
	for (size_t at = 0; at < view->missing.n; at += strlen(view->missing.p + at) + 1) {
		lua_pushstring(L, view->missing.p + at);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

static int Apl_view_gc(lua_State *L)
{
	let_go(luaL_checkudata(L, 1, VIEW));
	return 0;
}

void apl_view_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"step", Apl_view_step},
	        {"text", Apl_view_text},
	        {"state", Apl_view_state},
	        {"missing", Apl_view_missing},
	        {NULL, NULL},
	};
	apl_register_class(L, VIEW, Apl_view_gc, METHODS);
}
