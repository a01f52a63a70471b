/* Values of one view after the other, which share what is the same: a record whose text hasn't changed is the table
 * that was made of it, and a table all of whose fields are those of the one that stood in its place is that one. What
 * was made is kept in a table of the application's side, the memo: [id] the table of a part, [0] the value of the view
 * before, [-depth] (while a value is built) what stood in the place of the open table. */
#ifndef APS_BINDING_VALUE_PARTS_H
#define APS_BINDING_VALUE_PARTS_H

#include "binding/compat.h"
#include "binding/value_build.h"
#include "client/view.h"

struct apl_value_parts {
	const struct aps_view *view;
	size_t next;   /* the part that comes next in the text */
	int memo;      /* its stack index, in the step that runs */
	bool has_memo; /* something stands in it: this isn't the first view */
	unsigned deepest;
	size_t open[APL_VALUE_MAX_DEPTH +
	            1]; /* by depth: one above the index of the part that the table is; 0: it is none */
};

APS_BEGIN_DECLS

void apl_value_parts_init(struct apl_value_parts *parts, const struct aps_view *view);
/* The part that begins there; NULL: none does. */
const struct aps_view_part *apl_value_parts_at(struct apl_value_parts *parts, size_t at);
/* Pushes the table that was made of it, and passes over the parts in it; false: there is none, and nothing is pushed.
 */
bool apl_value_parts_take(lua_State *L, struct apl_value_parts *parts, const struct aps_view_part *part);
/* A table was opened, and stands on top of the stack; below it its key, or its list, in which it is the index-th. part
 * NULL: it is none. */
void apl_value_parts_open(lua_State *L, struct apl_value_parts *parts, const struct aps_view_part *part, unsigned depth,
                          int index);
/* The open table on top of the stack is complete: it is kept, or gives way to the one that stood in its place. */
void apl_value_parts_close(lua_State *L, struct apl_value_parts *parts, unsigned depth);
/* The value at the top of the stack is complete: the memo is made ready for the next view. */
void apl_value_parts_finish(lua_State *L, struct apl_value_parts *parts);

APS_END_DECLS

#endif
