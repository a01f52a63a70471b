/* What an application writes into its cache by itself, as something that can be done again: on its own thread at once,
 * in the core, above other layers. A list of edits is built by one thread and never changed once others have it; they
 * share it by an atomic reference count. */
#ifndef APS_CACHE_EDIT_H
#define APS_CACHE_EDIT_H

#include "cache/asked.h"
#include "cache/asked_merges.h"
#include "cache/merge.h"
#include "cache/selection.h"

enum aps_edit_kind {
	APS_EDIT_WRITE, /* data of an operation or a fragment, at a record */
	APS_EDIT_SET,   /* one field of a record that is there gets a value (cache/edit_value.h), or goes */
	APS_EDIT_LIST,  /* a list in one field of a record gets or loses items (cache/list_change.h) */
	APS_EDIT_EVICT  /* cache/evict.h */
};

/* What it is made from; all is copied, and references of the document, of `asked` and of `merges` are
 * taken. */
struct aps_edit_what {
	enum aps_edit_kind kind;
	struct aps_str key;   /* of the record: "Post:1", "ROOT_QUERY"; WRITE: empty for an optimistic response */
	struct aps_str field; /* SET, LIST: with its arguments; EVICT: empty for all of the record */
	bool is_apart;        /* SET, LIST: the field is an entry of its own */
	struct aps_gql_document *document;
	const struct aps_gql_operation *definition; /* in the document */
	struct aps_str variables;                   /* JSON text of an object, or empty */
	struct aps_str
	        json; /* WRITE: the data, whole (cache/data_shape.h); SET: the value, empty: it goes; LIST: the edits */
	int64_t now_s;                   /* WRITE: Unix time, for types that expire */
	struct aps_asked *asked;         /* WRITE: what was told of the data's objects; NULL: nothing was asked */
	struct aps_asked_merges *merges; /* WRITE: likewise of its fields; settled before others have the edit */
};

struct aps_edit {
	struct aps_edit *next;
	struct aps_edit_what what;
	size_t n_bytes; /* of memory, when it was made */
	char bytes[];
};

struct aps_edits;

APS_BEGIN_DECLS

/* Empty, one reference; NULL when memory is out. */
struct aps_edits *aps_edits_new(void);
struct aps_edits *aps_edits_ref(struct aps_edits *edits);
void aps_edits_unref(struct aps_edits *edits); /* NULL is legal */

/* Whether it can't be refused, whatever the cache has: data that has the shape of its document, and that no function of
 * the application merges; or a change of a list. */
bool aps_edit_is_sure(const struct aps_edit_what *what);
/* Adds one at the end. False: no memory. */
bool aps_edits_add(struct aps_edits *edits, const struct aps_edit_what *what);
/* The last one goes. */
void aps_edits_drop_last(struct aps_edits *edits);
size_t aps_edits_count(const struct aps_edits *edits);
size_t aps_edits_bytes(const struct aps_edits *edits); /* of memory */

/* Makes those from `first` on part of the write of `merge`. Failures leave the write failed: it is to be aborted.
 * E_NOMEM, E_TOO_BIG, what the backing says. */
enum aps_rc aps_edits_apply(const struct aps_edits *edits, size_t first, struct aps_merge *merge,
                            const struct aps_policies *policies, struct aps_err *err);

APS_END_DECLS

#endif
