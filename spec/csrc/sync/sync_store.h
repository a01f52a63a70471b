/* What a delta sync's owner keeps, in one transaction: records, tombstones, the list that is shown and the one that
 * collects beside it, the checkpoint. The rules are those of client/sync_judge.c and client/sync_write.c. */
#ifndef APS_SPEC_SYNC_SYNC_STORE_H
#define APS_SPEC_SYNC_SYNC_STORE_H

#include "sync/checkpoint.h"
#include "sync/sync_progress.h"
#include "sync/sync_service.h"

#define STORE_CHECKPOINT 768

struct stored_record {
	bool is_there;
	struct service_record record;
	uint32_t moment; /* when something of it was told that was new; 0: before all */
	bool is_stray;   /* it is in no list: no base pass will sweep it */
};

struct stored_tombstone {
	bool is_there;
	uint32_t version;
	int64_t changed_ms, seen_ms;
};

struct stored_list {
	bool is_there;
	bool has[SERVICE_KEYS];
};

struct true_time {
	int64_t ms;
	bool is_doubtful; /* it was told by a clock that was wrong */
};

/* What the checkpoint should know, by the true clock. Not the owner's. */
struct stored_truth {
	bool is_based;              /* a base pass was complete, or as complete as max_records let it be */
	bool is_open;               /* a base pass is */
	bool is_truncated;          /* it is as complete as that */
	struct true_time based;     /* the first page of the last base pass */
	struct true_time known;     /* changes up to then are known */
	struct true_time open;      /* likewise, by what the open base pass has collected */
	struct true_time began;     /* its first page */
	struct true_time delta;     /* the first page of the delta pass that is open */
	bool is_seen[SERVICE_KEYS]; /* by the last base pass, or told since it began */
	int64_t asked_ms;           /* when the last base pass was */
	/* when an event or an answer of the application's own has told of it; 0: a page has since then */
	int64_t told_ms[SERVICE_KEYS];
};

struct store_image {
	struct stored_record records[SERVICE_KEYS];
	struct stored_tombstone tombstones[SERVICE_KEYS];
	struct stored_list shown, beside;
	char checkpoint[STORE_CHECKPOINT]; /* empty: there is none */
	int64_t skew_ms;
	struct stored_truth truth;
};

struct sync_store {
	bool keeps_list; /* there is a base query */
	struct store_image open, committed;
	bool is_open;    /* a transaction is */
	uint32_t moment; /* of the process */
};

/* A page or an event. */
struct store_write {
	const struct service_record *records;
	size_t n;
	bool is_page, is_base;
	bool begins; /* the list */
	enum aps_sync_list list;
	uint32_t asked_at; /* of a page: the moment when it was asked for */
	uint32_t began_at; /* when the base pass was; 0: not in this run */
	int64_t now_ms;
	int64_t made_ms;                         /* of a page: when the service says that it was */
	const struct aps_checkpoint *checkpoint; /* that is kept already */
	struct aps_checkpoint *next;             /* a page's: is_beside is written */
};

void sync_store_init(struct sync_store *store, bool keeps_list);
/* False: there is no list where one has to be. */
bool sync_store_write(struct sync_store *store, const struct store_write *write);
/* Deletions that were seen before needn't be remembered. */
void sync_store_forget_deletions(struct sync_store *store, int64_t before_ms);
/* An answer to a mutation of the application's own. */
void sync_store_write_own(struct sync_store *store, const struct service_record *record);
/* False: it isn't a text. */
bool sync_store_save(struct sync_store *store, const struct aps_checkpoint *checkpoint);
/* They are of a process. */
void sync_store_forget_moments(struct sync_store *store);
void sync_store_clear(struct sync_store *store);
void sync_store_commit(struct sync_store *store);
/* What isn't committed. */
void sync_store_lose(struct sync_store *store);

#endif
