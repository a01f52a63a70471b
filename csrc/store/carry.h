/* From memory back to the file, when that can be written again: in one transaction of the file, all or nothing. */
#ifndef APS_STORE_CARRY_H
#define APS_STORE_CARRY_H

#include "store/db.h"

APS_BEGIN_DECLS

/* Begins the memory `name`, which is migrated and empty, as one that lies over `file`: entries will have the numbers
 * that they would have had in the file. */
enum aps_rc aps_carry_begin(struct aps_db *file, const char *name, struct aps_err *err);
/* What has changed in memory since it was begun like that is in the file. */
enum aps_rc aps_carry_back(struct aps_db *file, const char *name, struct aps_err *err);
/* For memory that knew nothing of the file: of what was written there the file has nothing any more. Whoever reads it
 * next finds it missing, and not what it was before. */
enum aps_rc aps_carry_stale(struct aps_db *file, const char *name, struct aps_err *err);

APS_END_DECLS

#endif
