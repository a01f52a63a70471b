/* The least that an answer costs as Lua tables, in the Lua that loads this module: made from values that lie parsed in
 * memory, through Lua's C API. tree = lua_tables.parse(text); tree:all() → the whole of it; tree:post(id) → one of
 * data.listPosts.items without its comments. */
#include "base/arena.h"
#include "base/map.h"
#include "binding/compat.h"
#include "codec/json_reader.h"

#include <stdlib.h>

#define TREE "bench.lua_tables"

struct node {
	enum aps_json_token kind;
	struct aps_str key; /* of an object's member */
	struct aps_str text;
	int64_t integer;
	double number;
	int n; /* of what is in it */
	struct node *first, *next;
};

struct tree {
	struct aps_arena arena;
	struct aps_map posts;
	struct node *root;
};

/* The text itself goes. */
static struct aps_str keep(struct tree *tree, const struct aps_json_reader *r)
{
	return aps_arena_dup(&tree->arena, aps_json_unescape(r, &tree->arena));
}

static struct node *read_node(struct tree *tree, struct aps_json_reader *r, enum aps_json_token token)
{
	struct node *node = aps_arena_get(&tree->arena, sizeof *node), **last = &node->first;
	if (node == NULL) abort();
	node->kind = token;
	node->integer = r->integer;
	node->number = r->number;
	if (token == APS_JSON_STRING) node->text = keep(tree, r);
	while (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) {
		struct aps_str key = {NULL, 0};
		enum aps_json_token next = aps_json_next(r);
		if (next == APS_JSON_OBJECT_END || next == APS_JSON_ARRAY_END || next == APS_JSON_ERROR) break;
		if (next == APS_JSON_KEY) {
			key = keep(tree, r);
			next = aps_json_next(r);
		}
		*last = read_node(tree, r, next);
		(*last)->key = key;
		last = &(*last)->next;
		node->n++;
	}
	return node;
}

static const struct node *member(const struct node *node, const char *key)
{
	for (node = node != NULL ? node->first : NULL; node != NULL; node = node->next)
		if (aps_str_is(node->key, key)) return node;
	return NULL;
}

static void push_node(lua_State *L, const struct node *node, const char *but)
{
	luaL_checkstack(L, 4, NULL);
	int n = 0;
	switch (node->kind) {
	case APS_JSON_OBJECT:
		lua_createtable(L, 0, node->n);
		for (const struct node *at = node->first; at != NULL; at = at->next) {
			if (but != NULL && aps_str_is(at->key, but)) continue;
			lua_pushlstring(L, at->key.p, at->key.n);
			push_node(L, at, NULL);
			lua_rawset(L, -3);
		}
		break;
	case APS_JSON_ARRAY:
		lua_createtable(L, node->n, 0);
		for (const struct node *at = node->first; at != NULL; at = at->next) {
			push_node(L, at, NULL);
			lua_rawseti(L, -2, ++n);
		}
		break;
	case APS_JSON_STRING: lua_pushlstring(L, node->text.p, node->text.n); break;
	case APS_JSON_INT: lua_pushinteger(L, (lua_Integer)node->integer); break;
	case APS_JSON_DOUBLE: lua_pushnumber(L, node->number); break;
	case APS_JSON_TRUE: lua_pushboolean(L, 1); break;
	case APS_JSON_FALSE: lua_pushboolean(L, 0); break;
	default: lua_pushlightuserdata(L, NULL); break;
	}
}

static int parse(lua_State *L)
{
	struct aps_json_reader r;
	struct aps_str text;
	text.p = luaL_checklstring(L, 1, &text.n);
	struct tree *tree = apl_newuserdata(L, sizeof *tree);
	aps_arena_init(&tree->arena, SIZE_MAX);
	aps_map_init(&tree->posts, 1);
	aps_json_reader_init(&r, text, 0);
	tree->root = read_node(tree, &r, aps_json_next(&r));
	const struct node *posts = member(member(member(tree->root, "data"), "listPosts"), "items");
	for (struct node *post = posts != NULL ? posts->first : NULL; post != NULL; post = post->next)
		if (!aps_map_set(&tree->posts, member(post, "id")->text, post)) abort();
	luaL_getmetatable(L, TREE);
	lua_setmetatable(L, -2);
	return 1;
}

static int all(lua_State *L)
{
	push_node(L, ((const struct tree *)luaL_checkudata(L, 1, TREE))->root, NULL);
	return 1;
}

static int post(lua_State *L)
{
	const struct tree *tree = luaL_checkudata(L, 1, TREE);
	struct aps_str id;
	id.p = luaL_checklstring(L, 2, &id.n);
	push_node(L, aps_map_get(&tree->posts, id), "comments");
	return 1;
}

int luaopen_lua_tables(lua_State *L);

int luaopen_lua_tables(lua_State *L)
{
	static const luaL_Reg METHODS[] = {{"all", all}, {"post", post}, {NULL, NULL}};
	luaL_newmetatable(L, TREE); /* a tree is never freed */
	luaL_newlib(L, METHODS);
	lua_setfield(L, -2, "__index");
	lua_newtable(L);
	lua_pushcfunction(L, parse);
	lua_setfield(L, -2, "parse");
	return 1;
}
