/* The records of a partition that are doubted: a list had them, and has them no more. They are in the store, from the
 * transaction on in which they left it, until a collection has looked at all of them. That is as much work whether they
 * are one or many: the first one is looked at at once, and those that come while the pause behind a collection lasts
 * are looked at together. @thread core */
#ifndef APS_CLIENT_DOUBTING_H
#define APS_CLIENT_DOUBTING_H

#include "client/partition.h"
#include "store/doubted_rows.h"

struct aps_doubting {
	struct aps_partition *partition; /* borrowed */
	struct aps_buf fresh;            /* uint64_t: of the transaction that is open */
	bool may_have;                   /* the store may have some */
	int64_t next_ms;                 /* not before: monotonic; 0: nothing was looked at yet */
	unsigned n_failures;             /* of collections since one was whole */
};

APS_BEGIN_DECLS

/* Looks whether an earlier process has left some. */
void aps_doubting_init(struct aps_doubting *doubting, struct aps_partition *partition);
void aps_doubting_clear(struct aps_doubting *doubting);

/* In the transaction that is open, or is begun for it. On failure whoever has it open abandons it. */
enum aps_rc aps_doubting_add(struct aps_doubting *doubting, const uint64_t *entries, size_t n, struct aps_err *err);
void aps_doubting_committed(struct aps_doubting *doubting);
/* The transaction has failed, or the store is another one, or is empty. */
void aps_doubting_reset(struct aps_doubting *doubting);
/* The store has moved, with all but what the transaction had: that is saved once more. */
enum aps_rc aps_doubting_moved(struct aps_doubting *doubting, struct aps_err *err);

/* What a collection that begins now has to look at; at->last 0: nothing. */
enum aps_rc aps_doubting_begin(const struct aps_doubting *doubting, struct aps_doubted_at *at, struct aps_err *err);
/* It has looked at them: at most so many rows go. *is_done: all of them are gone. */
enum aps_rc aps_doubting_settle(struct aps_doubting *doubting, const struct aps_doubted_at *at, size_t max_rows,
                                bool *is_done, struct aps_err *err);
/* A collection of nothing else has ended, and has worked for so long. */
void aps_doubting_rest(struct aps_doubting *doubting, int64_t worked_ms, bool was_whole, int64_t now_ms);
/* Until the next one may begin: 0 now, -1 nothing is doubted. */
int64_t aps_doubting_left_ms(const struct aps_doubting *doubting, int64_t now_ms);

APS_END_DECLS

#endif
