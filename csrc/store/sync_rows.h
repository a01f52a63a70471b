/* What delta syncs keep beside their records: the checkpoint, tombstones, and the records that couldn't be taken. By
 * the part of the store and by the sync's name. Each write belongs to the transaction that is open. Damaged rows are as
 * if they weren't there: the sync begins anew. */
#ifndef APS_STORE_SYNC_ROWS_H
#define APS_STORE_SYNC_ROWS_H

#include "base/buf.h"
#include "store/db.h"

/* Borrowed. `part`: of the store; there has to be one (aps_cache_store_part()). */
struct aps_sync_name {
	int64_t part;
	struct aps_str name; /* hexadecimal digits: what the sync asks for */
};

/* A record was deleted. */
struct aps_tombstone {
	struct aps_str key;
	struct aps_str version;    /* JSON text of a value, may be empty */
	struct aps_str changed_at; /* likewise */
	int64_t seen_s;            /* Unix time */
};

/* What is known of a key. The buffers are the caller's, and are appended to. */
struct aps_tombstone_found {
	bool is_there; /* false: it wasn't deleted */
	struct aps_buf version, changed_at;
	int64_t seen_s; /* Unix time */
};

struct aps_sync_bad_record {
	struct aps_str key;    /* "Post:1", or where it stood: "listPosts.items.3" */
	struct aps_str reason; /* for people */
	int64_t seen_s;        /* Unix time */
};

struct aps_sync_bad_sink {
	void (*found)(struct aps_sync_bad_sink *sink, const struct aps_sync_bad_record *record);
};

APS_BEGIN_DECLS

/* Appends the checkpoint's text; nothing where there is none. */
enum aps_rc aps_sync_rows_load(struct aps_db *db, struct aps_sync_name sync, struct aps_buf *out, struct aps_err *err);
enum aps_rc aps_sync_rows_save(struct aps_db *db, struct aps_sync_name sync, struct aps_str checkpoint,
                               struct aps_err *err);
/* The checkpoints of a part go, all of them: what they say was kept isn't all there any more. */
enum aps_rc aps_sync_rows_forget(struct aps_db *db, int64_t part, struct aps_err *err);
/* All that the sync has here goes. */
enum aps_rc aps_sync_rows_drop(struct aps_db *db, struct aps_sync_name sync, struct aps_err *err);

/* In the place of the one that there is of its key. */
enum aps_rc aps_tombstone_put(struct aps_db *db, struct aps_sync_name sync, const struct aps_tombstone *tombstone,
                              struct aps_err *err);
enum aps_rc aps_tombstone_find(struct aps_db *db, struct aps_sync_name sync, struct aps_str key,
                               struct aps_tombstone_found *found, struct aps_err *err);
enum aps_rc aps_tombstone_remove(struct aps_db *db, struct aps_sync_name sync, struct aps_str key, struct aps_err *err);
/* All of a sync that were seen before this moment of Unix time in seconds; INT64_MAX: all. */
enum aps_rc aps_tombstones_remove_before(struct aps_db *db, struct aps_sync_name sync, int64_t before_s,
                                         struct aps_err *err);
enum aps_rc aps_tombstones_have_any(struct aps_db *db, struct aps_sync_name sync, bool *have_any, struct aps_err *err);

/* The record is kept as one that couldn't be taken, or again. At most APS_SYNC_MAX_BAD of a sync: more aren't kept, and
 * whoever has them may count them. *n: how many there are, of aps_quarantine_count() at first, which reads them all; it
 * becomes what there is then. */
#define APS_SYNC_MAX_BAD 1000
enum aps_rc aps_quarantine_put(struct aps_db *db, struct aps_sync_name sync, const struct aps_sync_bad_record *record,
                               uint64_t *n, struct aps_err *err);
/* Those that weren't seen since then: a pass is over. */
enum aps_rc aps_quarantine_remove_before(struct aps_db *db, struct aps_sync_name sync, int64_t before_s,
                                         struct aps_err *err);
enum aps_rc aps_quarantine_count(struct aps_db *db, struct aps_sync_name sync, uint64_t *n, struct aps_err *err);
/* In the order of their keys. Nothing may be written meanwhile. */
enum aps_rc aps_quarantine_list(struct aps_db *db, struct aps_sync_name sync, struct aps_sync_bad_sink *sink,
                                struct aps_err *err);

APS_END_DECLS

#endif
