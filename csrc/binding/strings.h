/* Texts from outside that become Lua strings, kept from crowding the VM's table of strings (base/crowd.h). */
#ifndef APS_BINDING_STRINGS_H
#define APS_BINDING_STRINGS_H

#include "base/crowd.h"
#include "base/err.h"
#include "binding/compat.h"

/* Of a Lua state, which keeps it. */
struct apl_strings {
	struct aps_crowd crowd; /* of the last minute */
	int64_t began_at_ms;
	bool is_swept;
	bool is_alarmed; /* every text is counted */
};

/* What one document cost so far. Zero-initialize it. */
struct apl_document_strings {
	uint64_t n_compared;
	uint64_t n_texts;
	uint64_t n_dear;
	struct apl_strings *strings; /* NULL: the VM hashes all of a string */
};

APS_BEGIN_DECLS

/* Before texts of a document are admitted, in each call of a C function that does. */
void apl_strings_begin(lua_State *L, struct apl_document_strings *document);
enum aps_rc apl_strings_count(lua_State *L, struct apl_document_strings *document, struct aps_str text,
                              struct aps_err *err);

/* Before `text` is pushed. E_TOO_BIG when those of the document cost too much; `err` may be NULL. May run the garbage
 * collector, so what is not on the stack yet must belong to C. */
static inline enum aps_rc apl_strings_admit(lua_State *L, struct apl_document_strings *document, struct aps_str text,
                                            bool is_key, struct aps_err *err)
{
	struct apl_strings *strings = document->strings;
	if (strings == NULL || (!is_key && text.n > APL_MAX_SHARED_BYTES)) return APS_OK;
	if (!aps_crowd_is_due(&strings->crowd) && !strings->is_alarmed) return APS_OK;
	return apl_strings_count(L, document, text, err);
}

APS_END_DECLS

#endif
