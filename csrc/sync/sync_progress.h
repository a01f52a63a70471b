/* What a page makes of the checkpoint, and of the base list. Pure. */
#ifndef APS_SYNC_SYNC_PROGRESS_H
#define APS_SYNC_SYNC_PROGRESS_H

#include "sync/sync_plan.h"

/* How long something older than a deletion may still come: late events, replicas that are behind, a clock that was
 * wrong about when it was. */
#define APS_SYNC_REMEMBERED_MS 600000

/* What a page says. */
struct aps_sync_page_facts {
	uint64_t n_records, n_bytes;
	struct aps_str token; /* of the next page; empty: this is the last one. Borrowed */
	int64_t server_ms;    /* when it was made, by the service's clock: its startedAt, or the Date of the answer */
	bool is_start;        /* its startedAt: noted before anything was read */
	int64_t took_ms;      /* from the request to the answer */
};

/* The base list: with the page that is kept. */
enum aps_sync_list {
	APS_SYNC_LIST_NONE,     /* a delta page */
	APS_SYNC_LIST_ADD,      /* its records join what the pass has collected */
	APS_SYNC_LIST_BEGIN,    /* the same, and what an earlier pass has left unfinished goes before */
	APS_SYNC_LIST_SHOW,     /* the last page before max_records: what was collected is shown beside the old ones */
	APS_SYNC_LIST_COMPLETE, /* the last page: what the pass hasn't seen leaves */
};

/* Where the page belongs. */
struct aps_sync_place {
	enum aps_sync_query query;
	bool is_first;    /* of its pass */
	bool is_inside;   /* of a delta pass between two pages of a base pass */
	bool has_gap;     /* something may have been missed since the pass began, or before and not be seen by it */
	int64_t since_ms; /* of a delta pass */
	int64_t made_ms;  /* above 0 */
	int64_t known_ms; /* above 0: it tells what was changed up to then */
	const struct aps_sync_page_facts *page;
};

struct aps_sync_progress {
	enum aps_sync_list list;
	bool begins_and_completes;
	bool is_last;              /* the pass ends with it */
	int64_t forgets_before_ms; /* deletions that were seen before needn't be remembered; 0: all are */
};

APS_BEGIN_DECLS

/* The base pass stops there; 0: nowhere. */
uint64_t aps_sync_max_records(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint);
/* Some of the base pass is there, and some of it may not be. */
bool aps_sync_is_partial(const struct aps_checkpoint *checkpoint);
/* When something of this sync is seen, as far as the service's clock is known: no earlier than what it knows already,
 * whatever became of the device's clock. */
int64_t aps_sync_seen_ms(const struct aps_checkpoint *known, int64_t now_ms);
/* *next, which was initialised, becomes `checkpoint` with that page. E_NOMEM: *next is as it was. */
enum aps_rc aps_sync_progress(struct aps_checkpoint *next, const struct aps_checkpoint *checkpoint,
                              const struct aps_delta_sync_options *options, const struct aps_sync_place *place,
                              struct aps_sync_progress *progress, struct aps_err *err);

APS_END_DECLS

#endif
