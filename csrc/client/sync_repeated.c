#include "client/sync_repeated.h"

#include "base/map.h"
#include "sync/record_order.h"

static bool is_made_after(const struct aps_page_record *made, const struct aps_page_record *deleted)
{
	return deleted->is_deleted && !made->is_deleted &&
	       aps_record_order(made->changed_at, deleted->changed_at) == APS_RECORD_NEWER;
}

/* The one that stands further behind in the page, unless the versions say something else; where both are of one version
 * the deletion came later. */
static bool is_newer(const struct aps_page_record *later, const struct aps_page_record *former)
{
	if (is_made_after(later, former)) return true;
	if (is_made_after(former, later)) return false;
	enum aps_record_order order = aps_record_order(later->version, former->version);
	if (order == APS_RECORD_SAME) return later->is_deleted || !former->is_deleted;
	return order != APS_RECORD_OLDER;
}

static void pass_over(struct aps_sync_judgement *judgement, struct aps_sync_judged *judged)
{
	judgement->n_of[judged->fate]--;
	judgement->n_of[APS_SYNC_IS_OLD]++;
	judged->fate = APS_SYNC_IS_OLD;
	judged->stays_out = true;
}

enum aps_rc aps_sync_judge_repeated(const struct aps_page *page, struct aps_sync_judgement *judgement, uint64_t seed,
                                    struct aps_err *err)
{
	struct aps_sync_judged *all = (void *)judgement->records.p;
	struct aps_map newest; /* by their keys */
	enum aps_rc rc = APS_OK;
	aps_map_init(&newest, seed);
	for (size_t i = 0; rc == APS_OK && i < aps_page_count(page); i++) {
		const struct aps_str key = {judgement->keys.p + all[i].key_at, all[i].n_key};
		if (key.n == 0) continue;
		struct aps_sync_judged *former = aps_map_get(&newest, key);
		bool is_passed_over =
		        former != NULL && !is_newer(aps_page_at(page, i), aps_page_at(page, (size_t)(former - all)));
		if (former != NULL) pass_over(judgement, is_passed_over ? &all[i] : former);
		if (!is_passed_over && !aps_map_set(&newest, key, &all[i]))
			rc = aps_fail(err, APS_E_NOMEM, "no memory for a page");
	}
	aps_map_clear(&newest);
	return rc;
}
