/* Texts from outside that become Lua strings, kept from crowding the VM's table of strings (base/crowd.h). */
#ifndef APS_BINDING_STRINGS_H
#define APS_BINDING_STRINGS_H

#include "base/crowd.h"
#include "base/err.h"
#include "binding/compat.h"

/* Of a Lua state. */
struct apl_strings {
	struct aps_crowd crowd; /* of the last minute */
	uint64_t n_compared;    /* of the present document, as the next two */
	uint64_t n_texts;
	uint64_t n_dear;
	int64_t began_at_ms;
	bool is_swept;
	bool is_alarmed; /* every text is counted */
};

APS_BEGIN_DECLS

/* Where a document begins whose texts are to be admitted; NULL where the VM hashes all of a string. Lua keeps it. */
struct apl_strings *apl_strings_begin(lua_State *L);
enum aps_rc apl_strings_count(lua_State *L, struct apl_strings *strings, struct aps_str text, struct aps_err *err);

/* Before `text` is pushed. E_TOO_BIG when those since the beginning cost too much; `err` may be NULL. May run the
 * garbage collector, so what is not on the stack yet must belong to C. */
static inline enum aps_rc apl_strings_admit(lua_State *L, struct apl_strings *strings, struct aps_str text, bool is_key,
                                            struct aps_err *err)
{
	if (strings == NULL || (!is_key && text.n > APL_MAX_SHARED_BYTES)) return APS_OK;
	if (!aps_crowd_is_due(&strings->crowd) && !strings->is_alarmed) return APS_OK;
	return apl_strings_count(L, strings, text, err);
}

APS_END_DECLS

#endif
