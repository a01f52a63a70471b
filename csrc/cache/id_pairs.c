#include "cache/id_pairs.h"

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

static const struct aps_identified *find_path(const struct aps_buf *list, uint64_t path)
{
	const struct aps_identified *all = (const struct aps_identified *)(const void *)list->p;
	for (size_t i = 0; i < list->n / sizeof *all; i++)
		if (all[i].path == path) return &all[i];
	return NULL;
}

static bool has_entry(const struct aps_buf *list, uint64_t entry)
{
	const struct aps_identified *all = (const struct aps_identified *)(const void *)list->p;
	for (size_t i = 0; i < list->n / sizeof *all; i++)
		if (all[i].entry == entry) return true;
	return false;
}

static bool is_paired(const struct aps_buf *pairs, uint64_t from)
{
	const struct aps_id_pair *all = (const struct aps_id_pair *)(const void *)pairs->p;
	for (size_t i = 0; i < pairs->n / sizeof *all; i++)
		if (all[i].from == from) return true;
	return false;
}

static bool has_same_type(struct aps_entries *entries, uint64_t a, uint64_t b, enum aps_rc *rc, struct aps_err *err)
{
	struct aps_entry *left = NULL, *right = NULL;
	*rc = aps_entries_at(entries, a, &left, err);
	if (*rc == APS_OK) *rc = aps_entries_at(entries, b, &right, err);
	return *rc == APS_OK && left != NULL && right != NULL &&
	       aps_str_eq(aps_key_type(aps_entry_key(left)), aps_key_type(aps_entry_key(right)));
}

enum aps_rc aps_id_pairs_find(struct aps_entries *entries, const struct aps_buf *hoped, const struct aps_buf *came,
                              struct aps_buf *pairs, struct aps_err *err)
{
	const struct aps_identified *all = (const struct aps_identified *)(const void *)hoped->p;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; i < hoped->n / sizeof *all && rc == APS_OK; i++) {
		const struct aps_identified *now = find_path(came, all[i].path);
		bool is_other = now != NULL && now->entry != all[i].entry;
		if (!is_other || has_entry(hoped, now->entry) || is_paired(pairs, all[i].entry)) continue;
		const struct aps_id_pair pair = {all[i].entry, now->entry};
		if (has_same_type(entries, pair.from, pair.to, &rc, err)) aps_buf_add(pairs, &pair, sizeof pair);
	}
	if (rc == APS_OK && pairs->rc != APS_OK) rc = aps_fail(err, pairs->rc, "no memory for the ids of a response");
	return rc;
}
