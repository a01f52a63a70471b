/* What a root field does to its record, by its name, as the AWS AppSync SDK's offline helpers have it
 * (packages/aws-appsync/src/helpers/offline.ts at aws-appsync@4.1.10; lua/appsync/updates.lua has the same table). */
#ifndef APS_SYNC_OPERATION_KIND_H
#define APS_SYNC_OPERATION_KIND_H

#include "base/str.h"

/* X(name, text). AUTO: the name tells nothing. */
#define APS_OPERATION_KIND_MAP(X)                                                                                      \
	X(AUTO, "auto")                                                                                                \
	X(ADD, "add")                                                                                                  \
	X(REMOVE, "remove")                                                                                            \
	X(UPDATE, "update")

enum aps_operation_kind {
#define APS_OPERATION_KIND_ENUM(name, text) APS_OPERATION_##name,
	APS_OPERATION_KIND_MAP(APS_OPERATION_KIND_ENUM)
#undef APS_OPERATION_KIND_ENUM
	        APS_OPERATION_KIND_COUNT
};

APS_BEGIN_DECLS

/* "auto", "add", … */
const char *aps_operation_kind_name(enum aps_operation_kind kind);
/* Of "onCreateTodo" or "createTodo". *n_prefix (may be NULL): the bytes of the verb, with "on"; 0 for AUTO. Of two
 * verbs that fit, as in "createDog", it is the one behind which a word begins, else the longer one. */
enum aps_operation_kind aps_operation_kind_of(struct aps_str field, size_t *n_prefix);

APS_END_DECLS

#endif
