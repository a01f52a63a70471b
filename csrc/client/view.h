/* What a watch shows at one moment: its data, packed, and the parts of it that are records, by numbers that stay as
 * long as a record's bytes are the same. Never changed after it was made; shared by an atomic reference count. */
#ifndef APS_CLIENT_VIEW_H
#define APS_CLIENT_VIEW_H

#include "cache/packed.h"
#include "cache/watch.h"

#include <stdatomic.h>

/* One record of the data, those within it behind it. */
struct aps_view_part {
	uint64_t id;
	uint64_t former_id; /* of what stood in its place before; 0: nothing did */
	size_t begin, end;
	size_t end_part; /* the index behind those within it */
};

struct aps_view {
	atomic_size_t n_refs;
	size_t n_bytes;     /* that it takes */
	bool is_whole;      /* nothing is missing */
	bool is_optimistic; /* something in it is what optimistic layers say */
	struct aps_packed data;
	struct aps_str missing; /* paths, each ended by a zero: the first so many */
	const struct aps_view_part *parts;
	size_t n_parts;
	const uint64_t *gone; /* parts of the views before that are in none any more */
	size_t n_gone;
};

APS_BEGIN_DECLS

/* `result`: packed, with this binding; `gone`: uint64_t. NULL when memory is out. */
struct aps_view *aps_view_new(const struct aps_read_result *result, const struct aps_binding *binding,
                              const struct aps_buf *gone);
struct aps_view *aps_view_ref(struct aps_view *view);
void aps_view_unref(struct aps_view *view); /* NULL is legal */
size_t aps_view_bytes(const struct aps_view *view);

APS_END_DECLS

#endif
