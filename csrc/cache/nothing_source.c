#include "cache/nothing_source.h"

static enum aps_rc nothing_at(struct aps_read_source *source APS_UNUSED, uint64_t number APS_UNUSED,
                              struct aps_str *content, struct aps_err *err APS_UNUSED)
{
	*content = APS_STR("");
	return APS_OK;
}

static enum aps_rc find_nothing(struct aps_read_source *source APS_UNUSED, struct aps_str key APS_UNUSED,
                                uint64_t *number, struct aps_str *content, struct aps_err *err APS_UNUSED)
{
	*number = 0;
	*content = (struct aps_str){NULL, 0};
	return APS_OK;
}

struct aps_read_source aps_nothing_source(void)
{
	return (struct aps_read_source){.at = nothing_at, .find = find_nothing};
}
