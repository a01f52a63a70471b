/* Whether the service keeps the id that a create brings along, or makes one of its own, as far as the answer of an
 * earlier one tells. Where it makes its own, a look by the id that was sent finds nothing, whatever was executed
 * (sync/in_doubt.h). Pure. The first line that fits decides:
 *
 *   the data                      | an identity field                        | evidence
 *   have not one root object      |                                          | NONE
 *                                 | isn't in what was sent, or in the object | NONE
 *                                 | differs                                  | IGNORED
 *                                 | they are all the same                    | KEPT
 */
#ifndef APS_SYNC_ID_EVIDENCE_H
#define APS_SYNC_ID_EVIDENCE_H

#include "base/str.h"

/* X(name, text) */
#define APS_ID_EVIDENCE_MAP(X)                                                                                         \
	X(NONE, "none")                                                                                                \
	X(KEPT, "kept")                                                                                                \
	X(IGNORED, "ignored")

enum aps_id_evidence {
#define APS_ID_EVIDENCE_ENUM(name, text) APS_ID_EVIDENCE_##name,
	APS_ID_EVIDENCE_MAP(APS_ID_EVIDENCE_ENUM)
#undef APS_ID_EVIDENCE_ENUM
	        APS_ID_EVIDENCE_COUNT
};

struct aps_id_evidence_question {
	struct aps_str variables;    /* as they were sent: JSON text of an object; may be empty */
	struct aps_str data;         /* of the answer, likewise */
	const struct aps_str *names; /* of the identity fields */
	size_t n_names;
};

APS_BEGIN_DECLS

const char *aps_id_evidence_name(enum aps_id_evidence evidence);
enum aps_id_evidence aps_id_evidence_of(const struct aps_id_evidence_question *question);

APS_END_DECLS

#endif
