/* The service's id of a record that a mutation has made, by its optimistic response: the object of the same type at the
 * same place in the answer. For a mutation whose optimistic layer is gone; that of one that is there tells it itself
 * (cache/layer_map.h). Pure. */
#ifndef APS_SYNC_ANSWERED_ID_H
#define APS_SYNC_ANSWERED_ID_H

#include "base/arena.h"

struct aps_answered_id_question {
	struct aps_str optimistic; /* JSON: the response's data; may be empty */
	struct aps_str data;       /* likewise, of the answer */
	struct aps_str type, temporary;
	struct aps_str field; /* by which records of this type are known; empty: `id`, else `_id` */
};

APS_BEGIN_DECLS

/* Empty: the answer has none. The text lives in the arena. E_NOMEM. */
enum aps_rc aps_answered_id_of(const struct aps_answered_id_question *question, struct aps_arena *arena,
                               struct aps_str *id, struct aps_err *err);

APS_END_DECLS

#endif
