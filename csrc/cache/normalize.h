/* A response into entries: read once, from the text, without a tree. Objects that have an identity become records and
 * leave a reference where they stood; the others stay embedded. What an operation selects tells which field a member is
 * (aliases, arguments, fragments); members that it doesn't select are left out. */
#ifndef APS_CACHE_NORMALIZE_H
#define APS_CACHE_NORMALIZE_H

#include "cache/asked.h"
#include "cache/asked_merges.h"
#include "cache/merge.h"
#include "cache/selection.h"

/* A field that may be other than what is kept, which nobody knows: the service was asked for less. */
struct aps_stale_field {
	uint64_t entry; /* a record, or a field with arguments (name 0) */
	uint32_t name;
};

struct aps_normalize_options {
	/* The key of the entry that the data belongs to, "RROOT_QUERY"; empty: only records are written, as for what a
	 * mutation or a subscription returns. */
	struct aps_str root;
	/* The `errors` of the response, JSON text: what stands under their paths isn't written. */
	struct aps_str errors;
	/* Unix time: records of types that expire keep when they came (cache/freshness.h). 0: nobody knows. */
	int64_t now_s;
	/* A null says nothing: AppSync delivers it to subscribers for what the mutation didn't select. */
	bool skips_nulls;
	/* The moment (cache/write.h) from which on the service may have had other values than those that come: what was
	 * written since stays, and is in doubt where it is another value. 0: they are new. */
	uint32_t asked_at;
	/* The objects below the root are of an older state: what is known of a record stays, whatever comes, and only
	 * what nobody knows is taken. */
	bool fills;
	/* uint64_t: the entries that reads look for by their keys are appended: the root and its fields with arguments,
	 * and some of the others' fields. NULL: nobody asks. */
	struct aps_buf *landmarks;
	/* Of struct aps_identified (cache/id_pairs.h): what has an identity is appended. NULL: nobody asks. */
	struct aps_buf *identified;
	/* What the application has told of the objects of this text; NULL: it wasn't asked. */
	const struct aps_asked *asked;
	/* Where objects begin in the text that are passed over as if a null stood there, in rising order. */
	const size_t *skipped;
	size_t n_skipped;
	/* What it has made of fields that its functions merge. NULL: what is new replaces what is there. */
	struct aps_asked_merges *merges;
};

struct aps_normalized {
	struct aps_buf stale; /* of struct aps_stale_field */
};

APS_BEGIN_DECLS

/* `data` is the JSON text of an object. Failures leave the write failed: it is to be aborted. E_NOMEM, E_TOO_BIG, what
 * the reader says of the text, what the backing says; E_CONFLICT: some merges are open. */
enum aps_rc aps_normalize(struct aps_merge *merge, struct aps_binding *binding, struct aps_str data,
                          const struct aps_normalize_options *options, struct aps_normalized *out, struct aps_err *err);

APS_END_DECLS

#endif
