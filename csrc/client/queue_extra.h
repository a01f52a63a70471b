/* What an entry has besides its document and its variables, as one JSON text in the store:
 *   {"headers":{…},"rules":[…],"roots":["Todo:1"],"made":["Todo:1"],"first":3,"by":17,"has_update":true}
 * Each may be missing. Pure. */
#ifndef APS_CLIENT_QUEUE_EXTRA_H
#define APS_CLIENT_QUEUE_EXTRA_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/header.h"

struct aps_queue_keys {
	struct aps_str *items; /* in an arena */
	size_t n_items, capacity;
};

struct aps_queue_extra {
	struct aps_str headers;      /* JSON of an object: the call's own; empty: none */
	struct aps_str rules;        /* JSON of a list: what its answer changes besides its records */
	struct aps_queue_keys roots; /* of the objects at the root of its optimistic response */
	struct aps_queue_keys made;  /* of those in it whose id the application has made */
	int64_t first;               /* of one that was tried again: the number that it had at first; 0: it wasn't */
	int64_t by;                  /* the slot of the process that has queued it (client/claim.h); 0: it isn't said */
	bool has_update;             /* that one has a function for its answer */
	struct aps_arena arena;      /* of a text that was read */
};

APS_BEGIN_DECLS

/* The spans stay with `text`, and until it is cleared. E_SYNTAX and the like, E_NOMEM. */
enum aps_rc aps_queue_extra_read(struct aps_queue_extra *extra, struct aps_str text, struct aps_err *err);
void aps_queue_extra_clear(struct aps_queue_extra *extra);
/* A copy of the key. False: no memory: arena->rc tells. */
bool aps_queue_keys_add(struct aps_queue_keys *keys, struct aps_arena *arena, struct aps_str key);
/* Of those that it makes the one at its root: what is read to see whether it was made. Empty: there is none. */
struct aps_str aps_queue_extra_made_root(const struct aps_queue_extra *extra);
/* Appends its text. */
enum aps_rc aps_queue_extra_write(const struct aps_queue_extra *extra, struct aps_buf *out, struct aps_err *err);
/* Adds the headers of a JSON object; the texts are copied into the list's arena. */
enum aps_rc aps_queue_extra_add_headers(struct aps_str json, struct aps_header_list *headers, struct aps_err *err);

APS_END_DECLS

#endif
