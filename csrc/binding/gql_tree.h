/* Syntax trees as plain Lua tables, in both directions; their shape is lua/appsync/_meta/ast.lua. */
#ifndef APS_BINDING_GQL_TREE_H
#define APS_BINDING_GQL_TREE_H

#include "base/err.h"
#include "binding/compat.h"
#include "gql/ast.h"

APS_BEGIN_DECLS

/* Before a tree from outside is pushed: E_TOO_BIG when its names and texts would cost too much as Lua strings. */
enum aps_rc apl_gql_admit_node(lua_State *L, const struct aps_gql_node *node, struct aps_err *err);
/* Pushes the table of a node. Lua may throw (memory): the tree's arena must belong to a userdata. */
void apl_gql_push_node(lua_State *L, const struct aps_gql_node *node);
/* The tree of the table at `index`. Its strings belong to the table, so it must not outlive or see a change of it.
 * E_USAGE with the path of what is wrong, E_DEPTH, E_NOMEM, E_TOO_BIG (the arena's ceiling). */
enum aps_rc apl_gql_read_node(lua_State *L, int index, struct aps_arena *arena, struct aps_gql_node **out,
                              struct aps_err *err);

APS_END_DECLS

#endif
