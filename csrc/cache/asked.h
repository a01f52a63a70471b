/* The objects of a response whose identity a function of the application tells, in the order of the text, and what it
 * has told. Filled by one thread, then given away, and not changed once somebody writes by it; those who do share it by
 * an atomic reference count. */
#ifndef APS_CACHE_ASKED_H
#define APS_CACHE_ASKED_H

#include "cache/selection.h"

#include <stdatomic.h>

enum aps_asked_answer {
	APS_ASKED_NOTHING, /* it told nothing that could be used: "id", "_id" identify the object */
	APS_ASKED_NONE,    /* the object has no identity */
	APS_ASKED_KEY
};

struct aps_asked_object {
	size_t at, n; /* where it stands in the text */
	enum aps_asked_answer answer;
	size_t key_at, n_key; /* in `keys` */
};

struct aps_asked {
	atomic_size_t n_refs;
	struct aps_buf objects; /* of struct aps_asked_object */
	struct aps_buf keys;
};

APS_BEGIN_DECLS

/* One reference, no objects; NULL when memory is out. */
struct aps_asked *aps_asked_new(void);
struct aps_asked *aps_asked_ref(struct aps_asked *asked);
void aps_asked_unref(struct aps_asked *asked); /* NULL is legal */
size_t aps_asked_bytes(const struct aps_asked *asked);

/* Adds those of `data`, the JSON text that aps_normalize() will be given with the same binding. E_NOMEM, E_TOO_BIG,
 * what the reader says of the text. */
enum aps_rc aps_asked_scan(struct aps_asked *asked, struct aps_binding *binding, struct aps_str data,
                           struct aps_err *err);
size_t aps_asked_count(const struct aps_asked *asked);
struct aps_str aps_asked_text(const struct aps_asked *asked, size_t index, struct aps_str data);
/* The key, or with an empty one that there is none. False: no memory, and nothing is told. */
bool aps_asked_tell(struct aps_asked *asked, size_t index, struct aps_str key);

/* The one that begins there; NULL: it isn't asked for. `next`: 0 at first, kept between calls with rising places. */
const struct aps_asked_object *aps_asked_find(const struct aps_asked *asked, size_t at, size_t *next);
struct aps_str aps_asked_key(const struct aps_asked *asked, const struct aps_asked_object *object);

APS_END_DECLS

#endif
