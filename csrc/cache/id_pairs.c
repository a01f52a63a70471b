#include "cache/id_pairs.h"

#include "cache/cell.h"

#include <stdlib.h>

uint64_t aps_identified_below(uint64_t path, struct aps_str response_key)
{
	return aps_str_hash(response_key, path + 1);
}

uint64_t aps_identified_at(uint64_t path, size_t index)
{
	uint64_t number = index;
	return aps_str_hash((struct aps_str){(const char *)&number, sizeof number}, ~path);
}

struct aps_str aps_key_type(struct aps_str key)
{
	const char *colon = key.n != 0 ? memchr(key.p, ':', key.n) : NULL;
	return colon != NULL ? (struct aps_str){key.p, (size_t)(colon - key.p) + 1} : key;
}

struct aps_str aps_key_id(struct aps_str key)
{
	size_t n_type = aps_key_type(key).n;
	return (struct aps_str){key.p + n_type, key.n - n_type};
}

void aps_key_texts(struct aps_str key, struct aps_str *type, struct aps_str *id)
{
	struct aps_str begin = aps_key_type(key);
	bool has_type = begin.n >= 2 && begin.p[begin.n - 1] == ':';
	*type = has_type ? (struct aps_str){key.p + 1, begin.n - 2} : APS_STR("");
	*id = has_type ? aps_key_id(key) : (struct aps_str){key.p + 1, key.n - 1};
}

bool aps_id_is_uuid(struct aps_str id)
{
	if (id.n != 36) return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (is_dash ? c != '-' : !is_hex) return false;
	}
	return true;
}

void aps_identified_put(struct aps_buf *out, const struct aps_buf *identified)
{
	const struct aps_identified *all = (const struct aps_identified *)(const void *)identified->p;
	for (size_t i = 0; i < identified->n / sizeof *all; i++) {
		aps_cell_put_count(out, all[i].path);
		aps_cell_put_count(out, all[i].entry);
		aps_cell_put_count(out, all[i].is_direct);
	}
}

bool aps_identified_take(struct aps_str bytes, struct aps_buf *identified)
{
	struct aps_identified one;
	uint64_t is_direct;
	while (bytes.n != 0) {
		if (!aps_cell_take_count(&bytes, &one.path) || !aps_cell_take_count(&bytes, &one.entry) ||
		    !aps_cell_take_count(&bytes, &is_direct))
			return false;
		one.is_direct = is_direct != 0;
		aps_buf_add(identified, &one, sizeof one);
	}
	return true;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_paths(const void *a, const void *b)
{
	return compare(((const struct aps_identified *)a)->path, ((const struct aps_identified *)b)->path);
}

static int compare_entries(const void *a, const void *b)
{
	int order = compare(((const struct aps_identified *)a)->entry, ((const struct aps_identified *)b)->entry);
	return order != 0 ? order : compare_paths(a, b);
}

static int compare_pairs(const void *a, const void *b)
{
	return compare(((const struct aps_id_pair *)a)->from, ((const struct aps_id_pair *)b)->from);
}

typedef int compare_two(const void *a, const void *b);

static void sort(struct aps_buf *list, compare_two *order)
{
	if (list->n != 0) qsort(list->p, list->n / sizeof(struct aps_identified), sizeof(struct aps_identified), order);
}

static const void *find(const struct aps_buf *list, const void *key, size_t size, compare_two *order)
{
	return list->n != 0 ? bsearch(key, list->p, list->n / size, size, order) : NULL;
}

/* In the order of entries. */
static bool has_entry(const struct aps_buf *list, uint64_t entry)
{
	const struct aps_identified *all = (const struct aps_identified *)(const void *)list->p;
	size_t low = 0, high = list->n / sizeof *all;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all[middle].entry < entry)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->n / sizeof *all && all[low].entry == entry;
}

uint64_t aps_id_pairs_follow(const struct aps_buf *pairs, uint64_t entry)
{
	const struct aps_id_pair key = {entry, 0};
	const struct aps_id_pair *pair = find(pairs, &key, sizeof key, compare_pairs);
	return pair != NULL ? pair->to : 0;
}

enum aps_rc aps_id_pairs_find(struct aps_buf *hoped, struct aps_buf *came, struct aps_buf *pairs, struct aps_err *err)
{
	const struct aps_identified *all = (const struct aps_identified *)(const void *)hoped->p;
	uint64_t last = 0;
	sort(hoped, compare_entries);
	sort(came, compare_paths);
	for (size_t i = 0; i < hoped->n / sizeof *all; i++) {
		const struct aps_identified *now = find(came, &all[i], sizeof all[i], compare_paths);
		bool is_other = now != NULL && now->entry != all[i].entry && all[i].entry != last;
		if (!is_other || has_entry(hoped, now->entry)) continue;
		const struct aps_id_pair pair = {all[i].entry, now->entry};
		aps_buf_add(pairs, &pair, sizeof pair);
		last = pair.from;
	}
	return pairs->rc == APS_OK ? APS_OK : aps_fail(err, pairs->rc, "no memory for the ids of a response");
}
