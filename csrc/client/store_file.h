/* The file of a store, as the core has it: it is opened or made, and set aside where it is damaged. Who does anything
 * but use one that is up to date has it alone (client/claim.h). Also what takes its place in memory. @thread core */
#ifndef APS_CLIENT_STORE_FILE_H
#define APS_CLIENT_STORE_FILE_H

#include "base/buf.h"
#include "client/neighbours.h"
#include "client/process.h"
#include "store/db.h"

#include <sys/types.h>

/* Where a store is to be. */
struct aps_store_options {
	const char *path;
	const char *seed; /* a store's file that a new one begins with; NULL: none */
	enum aps_db_sync synchronous;
	bool is_private; /* no other process is to have it */
};

struct aps_store_file {
	char *path; /* as it was given */
	char *seed;
	enum aps_db_sync synchronous;
	bool is_private;
	char *real;                     /* without links; NULL: it isn't known yet */
	char *lock, *log, *index;       /* paths beside it; NULL likewise. The index is the log's. */
	ino_t log_number, index_number; /* of those that were opened with it; 0: it isn't known */
	struct aps_claim claim;         /* of the file */
	struct aps_neighbours neighbours;
	bool was_tried;        /* to open it */
	struct aps_err damage; /* why it is to be set aside, which others were in the way of; OK: it isn't */
	int64_t replaced_ms;   /* when a damaged one was set aside last; 0: never */
	struct aps_buf news;   /* for people: levels and lines, each ended by a zero; taken by whoever tells them */
};

/* A store that was opened, and what its writer has to know of it. */
struct aps_opened_store {
	struct aps_db *db;
	uint64_t last_number; /* of an entry */
	uint64_t generation;
	uint32_t version; /* of the connection (store/db.h): what others commit behind it isn't in these numbers */
	bool is_new;      /* in the place of a damaged one */
};

APS_BEGIN_DECLS

/* E_NOMEM, and then there is nothing to clear. */
enum aps_rc aps_store_file_init(struct aps_store_file *file, const struct aps_store_options *options,
                                struct aps_err *err);
void aps_store_file_clear(struct aps_store_file *file);
/* Claims the file for this process alone, if it hasn't yet, and learns its name without links. E_STORAGE, "locked":
 * another process has it. */
enum aps_rc aps_store_file_claim(struct aps_store_file *file, struct aps_err *err);
/* Claims the file, makes it where there is none, brings it up to date; a damaged one is set aside, and a new one opened
 * that has what could be read of its outbox (client/store_salvage.h). Where others have it it is used as they have left
 * it, and all of that is theirs to do: else it is "locked". The first time it waits for one who has it alone for a
 * moment. `generation`: what its readers have seen elsewhere; it has none below that. On failure opened->db is NULL. */
enum aps_rc aps_store_file_open(struct aps_store_file *file, uint64_t generation, struct aps_opened_store *opened,
                                struct aps_err *err);
/* Others may have it as well from now on, unless it is private. */
void aps_store_file_share(struct aps_store_file *file);
/* Others have it for a while: how long their writes are waited for. */
void aps_store_file_be_patient(struct aps_db *db, bool has_others);
/* This process has it no more, and no connection to it; `damage`: it is to be set aside once nobody has it, NULL: it
 * isn't. */
void aps_store_file_let_go(struct aps_store_file *file, const struct aps_err *damage);
/* Why whoever comes doesn't find this process, or what it has written: the lock file, the log or its index isn't there
 * any more, or the locks are dropped; NULL: it does. */
const char *aps_store_file_what_is_lost(const struct aps_store_file *file);
/* E_STORAGE "missing": `db` isn't the file at the path any more, or the above. */
enum aps_rc aps_store_file_check_there(const struct aps_store_file *file, struct aps_db *db, struct aps_err *err);
/* Closes a connection to it; NULL is legal. What is in a log that was deleted goes into the file first. A log that
 * another process has begun in its place stays as it is: what was in the old one is lost then. */
void aps_store_file_close(const struct aps_store_file *file, struct aps_db *db);
/* Nobody has it open to write. A file that is new, and damaged again, stays where it is: E_STORAGE, "corrupt". */
enum aps_rc aps_store_file_set_aside(struct aps_store_file *file, const struct aps_err *why, struct aps_err *err);
/* An empty one in memory, for a place of such a kind (client/store_place.h). */
enum aps_rc aps_store_file_open_memory(uint64_t place, uint64_t generation, struct aps_opened_store *opened,
                                       struct aps_err *err);
/* Adds a line to file->news: "the store PATH " and this; of a long path its end. */
void aps_store_file_tell(struct aps_store_file *file, const char *level, const char *format, ...) APS_PRINTF(3, 4);

APS_END_DECLS

#endif
