#include "client/view.h"

#include "base/mem.h"

/* One block: the head, the parts, the numbers, the texts. */
static struct aps_view *allocate(size_t n_parts, size_t n_gone, size_t n_json, size_t n_missing)
{
	size_t parts_at = sizeof(struct aps_view), gone_at = parts_at + n_parts * sizeof(struct aps_view_part);
	size_t json_at = gone_at + n_gone * sizeof(uint64_t), missing_at = json_at + n_json;
	char *p = aps_malloc(missing_at + n_missing + 1);
	struct aps_view *view = (struct aps_view *)(void *)p;
	if (p == NULL) return NULL;
	*view = (struct aps_view){
	        .json = {p + json_at, n_json},
	        .missing = {p + missing_at, n_missing},
	        .parts = (const struct aps_view_part *)(const void *)(p + parts_at),
	        .n_parts = n_parts,
	        .gone = (const uint64_t *)(const void *)(p + gone_at),
	        .n_gone = n_gone,
	};
	atomic_init(&view->n_refs, 1);
	return view;
}

static void copy(const char *to, const void *from, size_t n_bytes)
{
	if (n_bytes != 0) memcpy((char *)(uintptr_t)to, from, n_bytes);
}

struct aps_view *aps_view_new(const struct aps_read_result *result, const struct aps_buf *gone)
{
	size_t n_parts = aps_segments_count(&result->segments), n_gone = gone->n / sizeof(uint64_t);
	struct aps_view *view = allocate(n_parts, n_gone, result->json.n, result->missing.n);
	if (view == NULL) return NULL;
	view->is_whole = result->n_missing == 0;
	view->is_optimistic = result->is_optimistic;
	copy(view->json.p, result->json.p, result->json.n);
	copy(view->missing.p, result->missing.p, result->missing.n);
	copy((const char *)view->gone, gone->p, gone->n);
	for (size_t i = 0; i < n_parts; i++) {
		const struct aps_segment *segment = aps_segments_at(&result->segments, i);
		((struct aps_view_part *)(uintptr_t)view->parts)[i] = (struct aps_view_part){
		        segment->id, segment->former_id, segment->begin, segment->end, segment->end_segment};
	}
	return view;
}

struct aps_view *aps_view_ref(struct aps_view *view)
{
	atomic_fetch_add(&view->n_refs, 1);
	return view;
}

void aps_view_unref(struct aps_view *view)
{
	if (view != NULL && atomic_fetch_sub(&view->n_refs, 1) == 1) aps_free(view);
}

size_t aps_view_bytes(const struct aps_view *view)
{
	return sizeof *view + view->json.n + view->missing.n + view->n_parts * sizeof *view->parts +
	       view->n_gone * sizeof *view->gone;
}
