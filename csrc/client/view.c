#include "client/view.h"

#include "base/mem.h"

/* What stands in a view, in this order, behind its head. */
struct extent {
	size_t n_parts, n_gone, n_labels, n_data, n_missing, n_label_bytes;
};

static size_t count_label_bytes(const struct aps_binding *binding)
{
	size_t n = 0;
	for (size_t i = 0; i < binding->n_labels; i++) n += binding->labels[i].n;
	return n;
}

static size_t bytes_of(const struct extent *extent)
{
	return sizeof(struct aps_view) + extent->n_parts * sizeof(struct aps_view_part) +
	       extent->n_gone * sizeof(uint64_t) + extent->n_labels * sizeof(struct aps_str) + extent->n_data +
	       extent->n_missing + extent->n_label_bytes;
}

/* One block. */
static struct aps_view *allocate(const struct extent *extent)
{
	size_t n_parts = extent->n_parts, n_gone = extent->n_gone, n_missing = extent->n_missing;
	size_t parts_at = sizeof(struct aps_view), gone_at = parts_at + n_parts * sizeof(struct aps_view_part);
	size_t labels_at = gone_at + n_gone * sizeof(uint64_t);
	size_t data_at = labels_at + extent->n_labels * sizeof(struct aps_str), missing_at = data_at + extent->n_data;
	char *p = aps_malloc(bytes_of(extent) + 1);
	struct aps_view *view = (struct aps_view *)(void *)p;
	if (p == NULL) return NULL;
	*view = (struct aps_view){
	        .data = {{p + data_at, extent->n_data},
	                 (const struct aps_str *)(const void *)(p + labels_at),
	                 extent->n_labels},
	        .n_bytes = bytes_of(extent),
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

/* The texts go behind all else. */
static void copy_labels(struct aps_view *view, const struct aps_binding *binding)
{
	char *text = (char *)(uintptr_t)(view->missing.p + view->missing.n);
	for (size_t i = 0; i < binding->n_labels; i++) {
		struct aps_str label = binding->labels[i];
		copy(text, label.p, label.n);
		((struct aps_str *)(uintptr_t)view->data.labels)[i] = (struct aps_str){text, label.n};
		text += label.n;
	}
}

struct aps_view *aps_view_new(const struct aps_read_result *result, const struct aps_binding *binding,
                              const struct aps_buf *gone)
{
	size_t n_parts = aps_segments_count(&result->segments);
	const struct extent extent = {
	        n_parts,        gone->n / sizeof(uint64_t), binding->n_labels,
	        result->data.n, result->missing.n,          count_label_bytes(binding),
	};
	struct aps_view *view = allocate(&extent);
	if (view == NULL) return NULL;
	view->is_whole = result->n_missing == 0;
	view->is_optimistic = result->is_optimistic;
	copy(view->data.bytes.p, result->data.p, result->data.n);
	copy(view->missing.p, result->missing.p, result->missing.n);
	copy_labels(view, binding);
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
	return view->n_bytes;
}
