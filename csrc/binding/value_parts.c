#include "binding/value_parts.h"

void apl_value_parts_init(struct apl_value_parts *parts, const struct aps_view *view)
{
	parts->view = view;
	parts->next = 0;
	parts->memo = 0;
	parts->deepest = 0;
	parts->has_memo = false;
}

const struct aps_view_part *apl_value_parts_at(struct apl_value_parts *parts, size_t at)
{
	const struct aps_view *view = parts->view;
	if (parts->next == view->n_parts || view->parts[parts->next].begin != at) return NULL;
	return &view->parts[parts->next];
}

/* Pushes what the memo has under this number. */
static void push_known(lua_State *L, const struct apl_value_parts *parts, uint64_t id)
{
	lua_pushnumber(L, (lua_Number)id);
	lua_rawget(L, parts->memo);
}

bool apl_value_parts_take(lua_State *L, struct apl_value_parts *parts, const struct aps_view_part *part)
{
	if (!parts->has_memo) return false;
	push_known(L, parts, part->id);
	if (lua_istable(L, -1)) {
		parts->next = part->end_part;
		return true;
	}
	lua_pop(L, 1);
	return false;
}

/* Pushes what stood where the table on top of the stack will stand, or what is no table. */
static void push_former(lua_State *L, const struct apl_value_parts *parts, const struct aps_view_part *part,
                        unsigned depth, int index)
{
	if (part != NULL) {
		push_known(L, parts, part->former_id);
		return;
	}
	if (depth == 1) {
		lua_rawgeti(L, parts->memo, 0);
		return;
	}
	lua_rawgeti(L, parts->memo, -(int)(depth - 1));
	if (!lua_istable(L, -1)) return;
	if (index != 0) {
		lua_rawgeti(L, -1, index);
	} else {
		lua_pushvalue(L, -3); /* its key */
		lua_rawget(L, -2);
	}
	lua_remove(L, -2);
}

void apl_value_parts_open(lua_State *L, struct apl_value_parts *parts, const struct aps_view_part *part, unsigned depth,
                          int index)
{
	parts->open[depth] = part != NULL ? ++parts->next : 0;
	if (!parts->has_memo) return;
	if (depth > parts->deepest) parts->deepest = depth;
	push_former(L, parts, part, depth, index);
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1); /* false keeps the key: a Lua that drops those of nil counts the memo anew for each */
		lua_pushboolean(L, 0);
	}
	lua_rawseti(L, parts->memo, -(int)depth);
}

static bool has_same_metatable(lua_State *L, int a, int b)
{
	bool has_a = lua_getmetatable(L, a) != 0, has_b = lua_getmetatable(L, b) != 0;
	bool is_same = has_a == has_b && (!has_a || lua_rawequal(L, -1, -2));
	lua_pop(L, (has_a ? 1 : 0) + (has_b ? 1 : 0));
	return is_same;
}

static size_t count_fields(lua_State *L, int table)
{
	size_t n = 0;
	for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) n++;
	return n;
}

/* All fields of both tables are the same values. */
static bool is_same(lua_State *L, int a, int b)
{
	size_t n = 0;
	bool are_same = has_same_metatable(L, a, b) && lua_rawlen(L, a) == lua_rawlen(L, b);
	for (lua_pushnil(L); are_same && lua_next(L, a) != 0; lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		lua_rawget(L, b);
		are_same = lua_rawequal(L, -1, -2);
		lua_pop(L, 1);
		n++;
		if (!are_same) {
			lua_pop(L, 2);
			return false;
		}
	}
	return are_same && count_fields(L, b) == n;
}

void apl_value_parts_close(lua_State *L, struct apl_value_parts *parts, unsigned depth)
{
	if (parts->has_memo) {
		int now = lua_gettop(L);
		lua_rawgeti(L, parts->memo, -(int)depth);
		if (lua_istable(L, -1) && is_same(L, now, now + 1)) lua_replace(L, now);
		lua_settop(L, now);
	}
	if (parts->open[depth] == 0) return;
	lua_pushnumber(L, (lua_Number)parts->view->parts[parts->open[depth] - 1].id);
	lua_pushvalue(L, -2);
	lua_rawset(L, parts->memo);
}

void apl_value_parts_finish(lua_State *L, struct apl_value_parts *parts)
{
	const struct aps_view *view = parts->view;
	lua_pushvalue(L, -1);
	lua_rawseti(L, parts->memo, 0);
	for (unsigned depth = 1; depth <= parts->deepest; depth++) {
		lua_pushnil(L);
		lua_rawseti(L, parts->memo, -(int)depth);
	}
	for (size_t i = 0; i < view->n_gone; i++) {
		lua_pushnumber(L, (lua_Number)view->gone[i]);
		lua_pushnil(L);
		lua_rawset(L, parts->memo);
	}
}
