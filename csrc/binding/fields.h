/* Reading option tables of our own Lua modules, which have checked them already: a wrong type here throws.
 * Nothing in C may be held across these calls unless a userdata owns it: they can throw. */
#ifndef APS_BINDING_FIELDS_H
#define APS_BINDING_FIELDS_H

#include "auth/appsync_headers.h"
#include "binding/compat.h"
#include "rt/mailbox.h"

APS_BEGIN_DECLS

/* The field's text, borrowed: it stays valid while the table holds it. False: nil. */
bool apl_field_str(lua_State *L, int table, const char *name, struct aps_str *out);
/* Likewise, copied; NULL: nil. The copy belongs to *slot, which a userdata owns. */
void apl_field_copy(lua_State *L, int table, const char *name, char **slot);
double apl_field_number(lua_State *L, int table, const char *name, double otherwise);
/* A number of the runtime's; 0: there is none. */
uint64_t apl_field_id(lua_State *L, int table, const char *name);
/* A count or a size, at least 0; one that no memory could hold means "as many as you like". */
size_t apl_field_size(lua_State *L, int table, const char *name, size_t otherwise);
/* The same of a number that is there already; NaN: 0. */
size_t apl_size_of(double number);
/* Seconds to milliseconds; nil: otherwise. math.huge becomes the longest time that a timer takes. */
int64_t apl_field_ms(lua_State *L, int table, const char *name, int64_t otherwise);
bool apl_field_bool(lua_State *L, int table, const char *name, bool otherwise);
/* Adds a map of names to values, or a list of {name, value} pairs, at the top of the stack; pops it. nil: nothing.
 * E_USAGE: a name or a value that no header can have. */
enum aps_rc apl_take_headers(lua_State *L, struct aps_header_list *list, struct aps_err *err);

/* Numbers of operations and the like. */
void apl_push_id(lua_State *L, uint64_t id);
uint64_t apl_check_id(lua_State *L, int index);

/* A piece of mail in the making, owned by the userdata that this pushes until apl_pending_take(). Throws when mail is
 * NULL.
 */
void apl_push_pending(lua_State *L, struct aps_mail *mail);
struct aps_mail *apl_pending_take(lua_State *L, int index);

APS_END_DECLS

#endif
