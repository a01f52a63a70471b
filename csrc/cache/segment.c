#include "cache/segment.h"

#include "base/mem.h"
#include "cache/cell.h"

void aps_segments_init(struct aps_segments *segments)
{
	aps_buf_init(&segments->items, APS_BUF_ANY_SIZE);
	aps_buf_init(&segments->dependencies, APS_BUF_ANY_SIZE);
	segments->is_stale = false;
}

void aps_segments_reset(struct aps_segments *segments)
{
	aps_buf_reset(&segments->items);
	aps_buf_reset(&segments->dependencies);
	segments->is_stale = false;
}

void aps_segments_clear(struct aps_segments *segments)
{
	aps_buf_clear(&segments->items);
	aps_buf_clear(&segments->dependencies);
}

size_t aps_segments_count(const struct aps_segments *segments)
{
	return segments->items.n / sizeof(struct aps_segment);
}

struct aps_segment *aps_segments_at(const struct aps_segments *segments, size_t index)
{
	return (struct aps_segment *)(void *)segments->items.p + index;
}

size_t aps_segments_count_dependencies(const struct aps_segments *segments)
{
	return segments->dependencies.n / sizeof(struct aps_dependency);
}

const struct aps_dependency *aps_segments_dependencies(const struct aps_segments *segments)
{
	return (const struct aps_dependency *)(const void *)segments->dependencies.p;
}

static bool has_changed(const struct aps_changed *changed, const struct aps_dependency *dependency)
{
	return aps_changed_has(changed, dependency->entry != 0 ? dependency->entry : dependency->key_hash);
}

/* The segments around one dependency, as they are passed from the first to the last. */
struct path {
	size_t open[APS_CELL_MAX_DEPTH + 1];
	size_t n_open;
	size_t next;
};

static void leave(const struct aps_segments *segments, struct path *path, size_t dependency)
{
	while (path->n_open != 0 &&
	       aps_segments_at(segments, path->open[path->n_open - 1])->end_dependency <= dependency)
		path->n_open--;
}

static void follow(const struct aps_segments *segments, struct path *path, size_t dependency)
{
	size_t n = aps_segments_count(segments);
	for (; path->next < n; path->next++) {
		size_t first = aps_segments_at(segments, path->next)->first_dependency;
		if (first > dependency) break;
		leave(segments, path, first);
		path->open[path->n_open++] = path->next;
	}
	leave(segments, path, dependency);
}

bool aps_segments_mark(struct aps_segments *segments, const struct aps_changed *changed)
{
	size_t n_dependencies = aps_segments_count_dependencies(segments);
	const struct aps_dependency *dependencies = aps_segments_dependencies(segments);
	struct path path = {.n_open = 0};
	bool is_concerned = changed->is_all;
	for (size_t i = 0; i < n_dependencies; i++) {
		if (!has_changed(changed, &dependencies[i])) continue;
		follow(segments, &path, i);
		for (size_t j = 0; j < path.n_open; j++) aps_segments_at(segments, path.open[j])->is_stale = true;
		is_concerned = true;
	}
	if (is_concerned) segments->is_stale = true;
	return is_concerned;
}

void aps_reuse_begin(struct aps_reuse *reuse)
{
	reuse->cursor = 0;
	reuse->is_indexed = false;
}

void aps_reuse_end(struct aps_reuse *reuse)
{
	aps_free(reuse->heads);
	aps_free(reuse->nexts);
	reuse->heads = reuse->nexts = NULL;
}

static bool is_of(const struct aps_reuse *reuse, size_t index, uint64_t entry, const struct aps_selection *selection)
{
	const struct aps_segment *segment = aps_segments_at(&reuse->former, index);
	return segment->entry == entry && segment->selection == selection && !segment->is_taken && !segment->is_same;
}

/* Backwards, so that the first of an entry comes first. Indices are kept one higher: 0 is none. */
static void make_index(struct aps_reuse *reuse)
{
	size_t n = aps_segments_count(&reuse->former);
	reuse->is_indexed = true;
	for (reuse->n_heads = 16; reuse->n_heads < n; reuse->n_heads *= 2) continue;
	reuse->heads = aps_calloc(reuse->n_heads, sizeof *reuse->heads);
	reuse->nexts = aps_calloc(n + 1, sizeof *reuse->nexts);
	for (size_t i = n; reuse->heads != NULL && reuse->nexts != NULL && i-- > 0;) {
		size_t *head = &reuse->heads[aps_segments_at(&reuse->former, i)->entry & (reuse->n_heads - 1)];
		reuse->nexts[i] = *head;
		*head = i + 1;
	}
}

/* Without memory for an index nothing is found, and all of it is read. */
static size_t find_moved(struct aps_reuse *reuse, uint64_t entry, const struct aps_selection *selection)
{
	if (!reuse->is_indexed) make_index(reuse);
	if (reuse->heads == NULL || reuse->nexts == NULL) return SIZE_MAX;
	size_t at = reuse->heads[entry & (reuse->n_heads - 1)];
	while (at != 0 && !is_of(reuse, at - 1, entry, selection)) at = reuse->nexts[at - 1];
	return at != 0 ? at - 1 : SIZE_MAX;
}

size_t aps_reuse_find(struct aps_reuse *reuse, uint64_t entry, const struct aps_selection *selection)
{
	size_t n = aps_segments_count(&reuse->former), at = reuse->cursor;
	if (n == 0) return SIZE_MAX;
	if (at < n && is_of(reuse, at, entry, selection)) return at;
	size_t next = at < n ? aps_segments_at(&reuse->former, at)->end_segment : n;
	if (next < n && is_of(reuse, next, entry, selection)) return next;
	return find_moved(reuse, entry, selection);
}

bool aps_reuse_is_free(const struct aps_reuse *reuse, size_t index)
{
	size_t end = aps_segments_at(&reuse->former, index)->end_segment;
	while (index < end && !aps_segments_at(&reuse->former, index)->is_taken) index++;
	return index == end;
}

static bool append(struct aps_buf *to, const struct aps_buf *from, size_t begin, size_t end, size_t size)
{
	if (begin != end) aps_buf_add(to, from->p + begin * size, (end - begin) * size);
	return to->rc == APS_OK;
}

bool aps_reuse_take(struct aps_reuse *reuse, size_t index, struct aps_segments *now, size_t begin)
{
	const struct aps_segment *first = aps_segments_at(&reuse->former, index);
	const struct aps_segment taken = *first;
	size_t at = aps_segments_count(now), at_dependency = aps_segments_count_dependencies(now);
	if (!append(&now->items, &reuse->former.items, index, taken.end_segment, sizeof taken)) return false;
	if (!append(&now->dependencies, &reuse->former.dependencies, taken.first_dependency, taken.end_dependency,
	            sizeof(struct aps_dependency)))
		return false;
	for (size_t i = index; i < taken.end_segment; i++) {
		struct aps_segment *segment = aps_segments_at(now, at + (i - index));
		segment->begin = segment->begin - taken.begin + begin;
		segment->end = segment->end - taken.begin + begin;
		segment->first_dependency = segment->first_dependency - taken.first_dependency + at_dependency;
		segment->end_dependency = segment->end_dependency - taken.first_dependency + at_dependency;
		segment->end_segment = segment->end_segment - index + at;
		segment->is_taken = segment->is_same = false;
		segment->is_copy = true;
		aps_segments_at(&reuse->former, i)->is_taken = true;
	}
	reuse->cursor = taken.end_segment;
	return true;
}
