/* The fields of a response that a function of the application merges, in the order in which they are written, and what
 * it has made of them.
 *
 *    writing --a field is other than it was asked for, or new--> aborted, some are open --told--> written again --> …
 *       \--all are as they were asked for--> done
 *
 * Settled, they are good for what is there whatever it was: an application's own write isn't asked for again. Filled by
 * one thread at a time; once settled they don't change, and are shared by an atomic reference count. */
#ifndef APS_CACHE_ASKED_MERGES_H
#define APS_CACHE_ASKED_MERGES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>

enum aps_merge_state {
	APS_MERGE_OPEN,   /* to be asked for */
	APS_MERGE_UNTOLD, /* was asked for, and nothing came of it: what is new replaces what is there */
	APS_MERGE_TOLD
};

struct aps_asked_text {
	size_t at, n;
};

struct aps_asked_merge {
	struct aps_asked_text field;    /* "Query.listPosts" */
	struct aps_asked_text args;     /* JSON text of an object */
	struct aps_asked_text existing; /* as in cache/edit_value.h; empty: there is none */
	struct aps_asked_text incoming; /* likewise */
	struct aps_asked_text result;
	enum aps_merge_state state;
};

struct aps_asked_merges {
	atomic_size_t n_refs;
	struct aps_buf items; /* of struct aps_asked_merge */
	struct aps_buf text;
	bool is_settled;
};

/* What is to be written into a field. */
struct aps_merge_question {
	struct aps_str type, name;
	struct aps_str args;
	struct aps_str existing;
	struct aps_str incoming;
};

APS_BEGIN_DECLS

/* One reference, empty; NULL when memory is out. */
struct aps_asked_merges *aps_asked_merges_new(void);
struct aps_asked_merges *aps_asked_merges_ref(struct aps_asked_merges *merges);
void aps_asked_merges_unref(struct aps_asked_merges *merges); /* NULL is legal */
size_t aps_asked_merges_bytes(const struct aps_asked_merges *merges);
size_t aps_asked_merges_count(const struct aps_asked_merges *merges);
const struct aps_asked_merge *aps_asked_merges_at(const struct aps_asked_merges *merges, size_t index);
struct aps_str aps_asked_merges_text(const struct aps_asked_merges *merges, struct aps_asked_text text);

/* What is made of the field that is written at this place; *result: when TOLD. OPEN: it has to be asked for, and is
 * noted. Of those that are settled nothing is. False: no memory. */
bool aps_asked_merges_take(struct aps_asked_merges *merges, size_t index, const struct aps_merge_question *question,
                           enum aps_merge_state *state, struct aps_str *result);
/* Some are open. */
bool aps_asked_merges_are_open(const struct aps_asked_merges *merges);
/* What came of it; empty: nothing. False: no memory; nothing came of it. */
bool aps_asked_merges_tell(struct aps_asked_merges *merges, size_t index, struct aps_str result);

APS_END_DECLS

#endif
