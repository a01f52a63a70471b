/* The counters of a store (store/migrations.c) that its writer moves on with each transaction. */
#ifndef APS_STORE_COUNTERS_H
#define APS_STORE_COUNTERS_H

#include "store/db.h"

#define APS_TOLD_BUCKETS 256

/* Entries, by a few bits of their numbers: which may be among those of which something new was told. */
struct aps_told {
	uint32_t bits[APS_TOLD_BUCKETS / 32];
};

APS_BEGIN_DECLS

/* The generation of the file. */
enum aps_rc aps_counters_generation(struct aps_db *db, uint64_t *generation, struct aps_err *err);
/* The same; where that is behind, it becomes *generation. */
enum aps_rc aps_counters_catch_up(struct aps_db *db, uint64_t *generation, struct aps_err *err);
/* The highest number that an entry of the file ever had. */
enum aps_rc aps_counters_last_number(struct aps_db *db, uint64_t *number, struct aps_err *err);
/* In the writer's transaction, last: the next generation of the file, and the highest number that was given. */
enum aps_rc aps_counters_advance(struct aps_db *db, uint64_t last_number, uint64_t *generation, struct aps_err *err);
/* What the service has was told anew, by whichever process, in generations above `since`: of these entries. *is_any:
 * of any. */
enum aps_rc aps_counters_told(struct aps_db *db, uint64_t since, struct aps_told *told, bool *is_any,
                              struct aps_err *err);
/* It is in this generation. NULL, or very many: of all. */
enum aps_rc aps_counters_set_told(struct aps_db *db, uint64_t generation, const struct aps_told *told,
                                  struct aps_err *err);
void aps_told_add(struct aps_told *told, uint64_t number);
bool aps_told_has(const struct aps_told *told, unsigned bucket);
/* One that is there. */
enum aps_rc aps_counters_set(struct aps_db *db, int64_t id, int64_t value, struct aps_err *err);

APS_END_DECLS

#endif
