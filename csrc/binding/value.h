/* The one converter between Lua values and JSON. Rules: nil fields are absent; null is the light userdata NULL
 * (lua-cjson's cjson.null); a table with the array metatable, or a non-empty one with the keys 1..n, is a list; an
 * unmarked empty table is an object; holes, mixed keys, cycles, NaN, infinity, functions and the like are refused with
 * the path to them.
 *
 * Convention: every C function of the binding is registered with two upvalues, the array metatable and a table that
 * keeps field names (so their strings are made once), see apl_register(). */
#ifndef APS_BINDING_VALUE_H
#define APS_BINDING_VALUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "binding/compat.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"

#define APL_ARRAY_METATABLE  "appsync.array" /* its name in the registry */
#define APL_UPVALUE_ARRAY_MT lua_upvalueindex(1)
#define APL_UPVALUE_NAMES    lua_upvalueindex(2)

/* Keys that the converter itself uses in the names table; all others are free. */
enum apl_names_key {
	APL_NAMES_BUFFER = -1,      /* the buffer that was given back, or nil */
	APL_NAMES_CJSON_ARRAY = -2, /* OpenResty's cjson.array_mt, or nil */
	APL_NAMES_CJSON_EMPTY = -3, /* OpenResty's cjson.empty_array, or nil */
	APL_NAMES_STRINGS = -4,     /* of binding/strings.c, or nil */
	APL_NAMES_READING = -5      /* the metatable of binding/cache_read_lua.c */
};

/* How integers beyond the exact range of the VM's numbers (2^53; 64 bits on 5.3+) are delivered. SAFE: as STRING, and
 * ±2^53 are beyond it too where all numbers are doubles; numbers with a fraction or an exponent that share their double
 * with others are delivered as their text. */
enum apl_big_integers { APL_BIG_ROUNDED, APL_BIG_STRING, APL_BIG_SAFE };

APS_BEGIN_DECLS

/* Adds `functions` to the table on top of the stack, each with the two upvalues. */
void apl_register(lua_State *L, const luaL_Reg *functions);
/* Keeps the value on top of the stack in the table of names, and pops it. */
void apl_value_keep(lua_State *L, enum apl_names_key key);
/* Makes the metatable `name` of a userdata: its methods with the upvalues, its finalizer, closed to Lua. Pushes
 * nothing. */
void apl_register_class(lua_State *L, const char *name, lua_CFunction gc, const luaL_Reg *methods);

/* "rounded", "string" or "safe" at `index`; nothing: rounded. */
enum apl_big_integers apl_check_big_integers(lua_State *L, int index);
/* "strict" or "lenient" at `index`; nothing: strict. */
enum aps_json_strictness apl_check_strictness(lua_State *L, int index);

/* Pushes the value of one JSON text; in steps: binding/value_build.h. Pushes nothing on failure (E_SYNTAX, E_UTF8,
 * E_DEPTH, with the offset). May throw only what Lua throws (memory): hold no C allocation that a userdata doesn't own.
 */
enum aps_rc apl_value_push(lua_State *L, struct aps_str json, enum apl_big_integers big,
                           enum aps_json_strictness strictness, struct aps_err *err);

/* The text, of the network, is an object with this one member and no other: pushes the member's value. Else pushes
 * nothing, and false. */
bool apl_value_push_sole_member(lua_State *L, struct aps_str json, const char *name, enum apl_big_integers big);

/* Writes the Lua value at `index`. E_USAGE with the path ("variables.input.tags[3]: …", beginning with `name`). The
 * writer's buffer must belong to a userdata: Lua may throw. */
enum aps_rc apl_value_write(lua_State *L, int index, const char *name, struct aps_json_writer *w, struct aps_err *err);

/* The same for what the cache keeps, where a float stays one: with a fraction or an exponent. Where all numbers are
 * doubles, those with a fraction are floats, and those of 2^53 and above, which may have been rounded. */
enum aps_rc apl_value_write_kept(lua_State *L, int index, const char *name, struct aps_json_writer *w,
                                 struct aps_err *err);

/* Pushes the runtime-owned scratch userdata that holds a struct aps_buf (emptied); it stays valid while it is on the
 * stack. */
struct aps_buf *apl_push_buffer(lua_State *L, size_t max_bytes);
/* Gives the buffer at `index` back for the next apl_push_buffer(), and takes it off the stack's slot (nil stands
 * there). Optional: a buffer that is not given back is collected. */
void apl_release_buffer(lua_State *L, int index);
/* Pushes a userdata that holds an arena; it is cleared when it is collected. */
struct aps_arena *apl_push_arena(lua_State *L);

APS_END_DECLS

#endif
