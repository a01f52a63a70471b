#include "cache/freshness.h"

static int64_t ttl_ms_of(const struct aps_policies *policies, struct aps_str type)
{
	const struct aps_type_policy *policy = aps_policies_find_type(policies, type);
	return policy != NULL ? policy->ttl_ms : 0;
}

bool aps_freshness_counts_at_all(const struct aps_policies *policies)
{
	size_t cursor = 0;
	void *state, *policy;
	struct aps_str type;
	while (aps_map_next(&policies->types, &cursor, &state, &type, &policy))
		if (((const struct aps_type_policy *)policy)->ttl_ms != 0) return true;
	return false;
}

bool aps_freshness_counts(const struct aps_policies *policies, struct aps_str type)
{
	return ttl_ms_of(policies, type) != 0;
}

void aps_freshness_put(struct aps_buf *fields, int64_t now_s)
{
	aps_cell_put_name(fields, APS_NAME_CAME, APS_STR(""));
	aps_cell_put_int(fields, now_s);
}

bool aps_freshness_is_over(const struct aps_policies *policies, struct aps_str type, struct aps_str fields,
                           int64_t now_s)
{
	struct aps_cell came;
	int64_t ttl_ms = ttl_ms_of(policies, type);
	if (ttl_ms == 0) return false;
	if (!aps_cell_find_field(fields, APS_NAME_CAME, &came) || came.tag != APS_CELL_INT) return true;
	/* what a damaged file says may be any number */
	uint64_t age_s = came.as.integer <= now_s ? (uint64_t)now_s - (uint64_t)came.as.integer
	                                          : (uint64_t)came.as.integer - (uint64_t)now_s;
	return age_s >= (uint64_t)ttl_ms / 1000 + (ttl_ms % 1000 != 0);
}
