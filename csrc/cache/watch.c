#include "cache/watch.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 256

/* One watch has read one thing so many times. */
struct aps_watch_node {
	struct aps_watch_node *next;
	struct aps_watch *watch;
	uint64_t key;
	size_t n_times;
};

void aps_watches_init(struct aps_watches *watches)
{
	*watches = (struct aps_watches){.first = NULL};
	aps_buf_init(&watches->added, APS_BUF_ANY_SIZE);
	aps_buf_init(&watches->removed, APS_BUF_ANY_SIZE);
}

static struct aps_watch_node **slot_of(const struct aps_watches *watches, uint64_t key)
{
	return &watches->slots[(key ^ key >> 32) & (watches->n_slots - 1)];
}

static void drop_index(struct aps_watches *watches)
{
	for (size_t i = 0; i < watches->n_slots; i++) {
		while (watches->slots[i] != NULL) {
			struct aps_watch_node *node = watches->slots[i];
			watches->slots[i] = node->next;
			aps_free(node);
		}
	}
	aps_free(watches->slots);
	watches->slots = NULL;
	watches->n_slots = watches->n_nodes = 0;
}

void aps_watches_clear(struct aps_watches *watches)
{
	drop_index(watches);
	aps_buf_clear(&watches->added);
	aps_buf_clear(&watches->removed);
}

static bool grow(struct aps_watches *watches)
{
	struct aps_watches larger = {.n_slots = watches->n_slots == 0 ? FIRST_SLOTS : watches->n_slots * 2};
	larger.slots = aps_calloc(larger.n_slots, sizeof(struct aps_watch_node *));
	if (larger.slots == NULL) return false;
	for (size_t i = 0; i < watches->n_slots; i++) {
		while (watches->slots[i] != NULL) {
			struct aps_watch_node *node = watches->slots[i], **slot = slot_of(&larger, node->key);
			watches->slots[i] = node->next;
			node->next = *slot;
			*slot = node;
		}
	}
	aps_free(watches->slots);
	watches->slots = larger.slots;
	watches->n_slots = larger.n_slots;
	return true;
}

static struct aps_watch_node **find(const struct aps_watches *watches, const struct aps_watch *watch, uint64_t key)
{
	struct aps_watch_node **at = slot_of(watches, key);
	while (*at != NULL && ((*at)->key != key || (*at)->watch != watch)) at = &(*at)->next;
	return at;
}

static bool add(struct aps_watches *watches, struct aps_watch *watch, uint64_t key)
{
	if (watches->n_nodes >= watches->n_slots && !grow(watches)) return false;
	struct aps_watch_node **at = find(watches, watch, key);
	if (*at == NULL) {
		*at = aps_malloc(sizeof **at);
		if (*at == NULL) return false;
		**at = (struct aps_watch_node){.watch = watch, .key = key};
		watches->n_nodes++;
	}
	(*at)->n_times++;
	return true;
}

static void take(struct aps_watches *watches, const struct aps_watch *watch, uint64_t key)
{
	if (watches->n_slots == 0) return;
	struct aps_watch_node **at = find(watches, watch, key), *node = *at;
	if (node == NULL || --node->n_times != 0) return;
	*at = node->next;
	aps_free(node);
	watches->n_nodes--;
}

static uint64_t key_of(const struct aps_dependency *dependency)
{
	return dependency->entry != 0 ? dependency->entry : dependency->key_hash;
}

/* Appends what was read outside of those segments that went from one read to the next as they are. */
static void collect(const struct aps_segments *segments, bool is_former, struct aps_buf *keys)
{
	size_t n = aps_segments_count(segments), n_read = aps_segments_count_dependencies(segments), next = 0;
	const struct aps_dependency *read = aps_segments_dependencies(segments);
	aps_buf_reset(keys);
	for (size_t i = 0; i < n_read;) {
		const struct aps_segment *segment = next < n ? aps_segments_at(segments, next) : NULL;
		if (segment == NULL || segment->first_dependency > i) {
			uint64_t key = key_of(&read[i++]);
			aps_buf_add(keys, &key, sizeof key);
			continue;
		}
		/* the next one may begin with the same dependency */
		bool has_gone_on = is_former ? segment->is_taken : segment->is_copy;
		next = has_gone_on ? segment->end_segment : next + 1;
		if (has_gone_on) i = segment->end_dependency;
	}
}

static int compare_keys(const void *left, const void *right)
{
	uint64_t a, b;
	memcpy(&a, left, sizeof a);
	memcpy(&b, right, sizeof b);
	return (a > b) - (a < b);
}

static void sort(struct aps_buf *keys)
{
	if (keys->n != 0) qsort(keys->p, keys->n / sizeof(uint64_t), sizeof(uint64_t), compare_keys);
}

/* What both reads have read doesn't leave the index to come back. */
static bool update(struct aps_watches *watches, struct aps_watch *watch)
{
	const uint64_t *added = (const uint64_t *)(const void *)watches->added.p;
	const uint64_t *removed = (const uint64_t *)(const void *)watches->removed.p;
	size_t n_added = watches->added.n / sizeof *added, n_removed = watches->removed.n / sizeof *removed;
	size_t i = 0, j = 0;
	while (i < n_added || j < n_removed) {
		bool is_added = j == n_removed || (i < n_added && added[i] < removed[j]);
		bool is_removed = i == n_added || (j < n_removed && removed[j] < added[i]);
		if (is_added && !add(watches, watch, added[i])) return false;
		if (is_removed) take(watches, watch, removed[j]);
		i += !is_removed;
		j += !is_added;
	}
	return true;
}

/* Afterwards the index knows what the result was read from. Without memory it knows nothing, and says so. */
static void index_read(struct aps_watches *watches, struct aps_watch *watch)
{
	if (watches->is_short) return;
	collect(&watch->reuse.former, true, &watches->removed);
	collect(&watch->result.segments, false, &watches->added);
	sort(&watches->removed);
	sort(&watches->added);
	bool is_whole = watches->removed.rc == APS_OK && watches->added.rc == APS_OK;
	if (is_whole && update(watches, watch)) return;
	watches->is_short = true;
	drop_index(watches);
	aps_buf_clear(&watches->added);
	aps_buf_clear(&watches->removed);
}

static void set_stale(struct aps_watches *watches, struct aps_watch *watch, bool is_stale)
{
	if (watch->is_stale == is_stale) return;
	watch->is_stale = is_stale;
	watches->n_stale += is_stale ? 1 : SIZE_MAX;
}

void aps_watch_add(struct aps_watches *watches, struct aps_watch *watch, struct aps_binding *binding,
                   const struct aps_read_options *options, size_t max_bytes)
{
	*watch = (struct aps_watch){.binding = binding, .options = *options, .previous = watches->last};
	aps_segments_init(&watch->reuse.former);
	aps_read_result_init(&watch->result, max_bytes);
	watch->options.reuse = &watch->reuse;
	watch->options.is_partial = true; /* what isn't there takes nothing else with it */
	*(watches->last != NULL ? &watches->last->next : &watches->first) = watch;
	watches->last = watch;
	set_stale(watches, watch, true);
}

static void forget_read(struct aps_watches *watches, const struct aps_watch *watch)
{
	const struct aps_dependency *read = aps_segments_dependencies(&watch->result.segments);
	for (size_t i = 0; i < aps_segments_count_dependencies(&watch->result.segments); i++)
		take(watches, watch, key_of(&read[i]));
}

void aps_watch_forget(struct aps_watches *watches, struct aps_watch *watch, struct aps_buf *gone)
{
	const struct aps_segments *segments = &watch->result.segments;
	forget_read(watches, watch);
	for (size_t i = 0; i < aps_segments_count(segments); i++) {
		uint64_t id = aps_segments_at(segments, i)->id;
		aps_buf_add(gone, &id, sizeof id);
	}
	aps_segments_clear(&watch->reuse.former);
	aps_read_result_reset(&watch->result);
	aps_changed_clear(&watch->changed);
	watch->is_read = false;
	set_stale(watches, watch, true);
}

void aps_watch_remove(struct aps_watches *watches, struct aps_watch *watch)
{
	forget_read(watches, watch);
	set_stale(watches, watch, false);
	*(watch->previous != NULL ? &watch->previous->next : &watches->first) = watch->next;
	*(watch->next != NULL ? &watch->next->previous : &watches->last) = watch->previous;
	aps_changed_clear(&watch->changed);
	aps_segments_clear(&watch->reuse.former);
	aps_read_result_clear(&watch->result);
}

bool aps_watch_has_read(const struct aps_watches *watches, const struct aps_watch *watch, uint64_t entry, uint32_t name)
{
	const struct aps_segments *segments = &watch->result.segments;
	if (name == 0) return watches->is_short || (watches->n_slots != 0 && *find(watches, watch, entry) != NULL);
	for (size_t i = 0; i < aps_segments_count(segments); i++) {
		const struct aps_segment *segment = aps_segments_at(segments, i);
		if (segment->entry == entry && aps_selection_has_number(segment->selection, name)) return true;
	}
	return false;
}

static void mark(struct aps_watches *watches, struct aps_watch *watch, const struct aps_changed *changed)
{
	if (aps_segments_mark(&watch->result.segments, changed)) set_stale(watches, watch, true);
}

static void mark_readers(struct aps_watches *watches, uint64_t key)
{
	for (struct aps_watch_node *node = *slot_of(watches, key); node != NULL; node = node->next)
		if (node->key == key) {
			aps_changed_add(&node->watch->changed, key);
			set_stale(watches, node->watch, true);
		}
}

void aps_watches_mark(struct aps_watches *watches, const struct aps_changed *changed)
{
	struct aps_watch *watch;
	if (aps_changed_is_empty(changed) || watches->first == NULL) return;
	if (watches->is_short || changed->is_all) {
		for (watch = watches->first; watch != NULL; watch = watch->next) mark(watches, watch, changed);
		return;
	}
	if (watches->n_slots == 0) return;
	for (size_t i = 0; i < changed->n_slots; i++)
		if (changed->slots[i] != 0) mark_readers(watches, changed->slots[i]);
}

/* What was read last becomes what the next read takes from. */
static void exchange(struct aps_watch *watch, struct aps_buf *text)
{
	struct aps_segments segments = watch->reuse.former;
	struct aps_buf former = watch->result.data;
	watch->reuse.former = watch->result.segments;
	watch->reuse.former_data = aps_buf_str(&former);
	watch->result.segments = segments;
	watch->result.data = *text;
	*text = former;
}

static void collect_gone(const struct aps_segments *former, struct aps_watch_change *change)
{
	for (size_t i = 0; i < aps_segments_count(former); i++) {
		const struct aps_segment *segment = aps_segments_at(former, i);
		if (!segment->is_taken && !segment->is_same)
			aps_buf_add(&change->gone, &segment->id, sizeof segment->id);
	}
}

static void forget_taken(struct aps_segments *segments)
{
	for (size_t i = 0; i < aps_segments_count(segments); i++) {
		struct aps_segment *segment = aps_segments_at(segments, i);
		segment->is_taken = segment->is_same = false;
	}
}

enum aps_rc aps_watch_read(struct aps_watches *watches, struct aps_watch *watch, struct aps_read_source *source,
                           struct aps_watch_change *change, struct aps_err *err)
{
	struct aps_buf text;
	size_t n_were_missing = watch->result.n_missing;
	bool was_optimistic = watch->result.is_optimistic;
	if (!aps_changed_is_empty(&watch->changed)) aps_segments_mark(&watch->result.segments, &watch->changed);
	aps_changed_clear(&watch->changed);
	aps_buf_init(&text, watch->result.data.max_bytes);
	aps_buf_init(&change->gone, APS_BUF_ANY_SIZE);
	exchange(watch, &text);
	aps_read_result_reset(&watch->result);
	enum aps_rc rc = aps_denormalize(source, watch->binding, &watch->options, &watch->result, err);
	if (rc == APS_OK) {
		collect_gone(&watch->reuse.former, change);
		if (change->gone.rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "no memory for a watch");
	}
	if (rc != APS_OK) {
		exchange(watch, &text); /* text has the former one: back to where it was */
		forget_taken(&watch->result.segments);
		watch->result.n_missing = n_were_missing;
		watch->result.is_optimistic = was_optimistic;
		aps_buf_clear(&text);
		return rc;
	}
	change->is_other = !watch->is_read || (n_were_missing == 0) != (watch->result.n_missing == 0) ||
	                   was_optimistic != watch->result.is_optimistic ||
	                   !aps_str_eq(aps_buf_str(&text), aps_buf_str(&watch->result.data));
	index_read(watches, watch);
	aps_buf_clear(&text);
	watch->is_read = true;
	set_stale(watches, watch, false);
	return APS_OK;
}
