/* The counters of a store (store/migrations.c) that its writer moves on with each transaction. */
#ifndef APS_STORE_COUNTERS_H
#define APS_STORE_COUNTERS_H

#include "store/db.h"

APS_BEGIN_DECLS

/* The generation of the file. */
enum aps_rc aps_counters_generation(struct aps_db *db, uint64_t *generation, struct aps_err *err);
/* The same; where that is behind, it becomes *generation. */
enum aps_rc aps_counters_catch_up(struct aps_db *db, uint64_t *generation, struct aps_err *err);
/* The highest number that an entry of the file ever had. */
enum aps_rc aps_counters_last_number(struct aps_db *db, uint64_t *number, struct aps_err *err);
/* In the writer's transaction, last: the next generation of the file, and the highest number that was given. */
enum aps_rc aps_counters_advance(struct aps_db *db, uint64_t last_number, uint64_t *generation, struct aps_err *err);
/* The generation in which something new was last told of what the service has, by whichever process; 0: in none. */
enum aps_rc aps_counters_told(struct aps_db *db, uint64_t *generation, struct aps_err *err);
enum aps_rc aps_counters_set_told(struct aps_db *db, uint64_t generation, struct aps_err *err);
/* One that is there. */
enum aps_rc aps_counters_set(struct aps_db *db, int64_t id, int64_t value, struct aps_err *err);

APS_END_DECLS

#endif
