/* What a file takes on disk, and giving back what it doesn't need: pages that are free, the write-ahead log. */
#ifndef APS_STORE_DB_SPACE_H
#define APS_STORE_DB_SPACE_H

#include "store/db.h"

struct aps_db_space {
	int64_t page_bytes;
	int64_t n_pages;
	int64_t n_free_pages; /* of them */
};

APS_BEGIN_DECLS

enum aps_rc aps_db_space(struct aps_db *db, struct aps_db_space *space, struct aps_err *err);
/* Takes at most so many free pages out of the file, in the transaction that is open. */
enum aps_rc aps_db_give_back(struct aps_db *db, unsigned n_pages, struct aps_err *err);
/* Whether what is deleted from now on is overwritten on pages that become free as well. */
enum aps_rc aps_db_set_erasing(struct aps_db *db, bool is_thorough, struct aps_err *err);
/* Brings all that is in the write-ahead log into the file and empties the log. *is_done false: somebody still reads
 * from it; it is to be tried again. Waits for nobody; no transaction may be open. */
enum aps_rc aps_db_truncate_log(struct aps_db *db, bool *is_done, struct aps_err *err);

APS_END_DECLS

#endif
