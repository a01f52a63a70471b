#include "client/drops.h"

#include <string.h>

enum aps_rc aps_drops_add(struct aps_buf *drops, const char *prefix, const char *identity, enum aps_part_drop how,
                          struct aps_err *err)
{
	size_t n = drops->n;
	aps_buf_add_byte(drops, (char)how);
	aps_buf_add(drops, prefix, strlen(prefix) + 1);
	aps_buf_add(drops, identity, strlen(identity) + 1);
	if (drops->rc == APS_OK) return APS_OK;
	drops->n = n;
	drops->rc = APS_OK;
	return aps_fail(err, APS_E_NOMEM, "out of memory");
}

enum aps_rc aps_drops_repeat(const struct aps_buf *drops, struct aps_db *file, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t at = 0; rc == APS_OK && at < drops->n;) {
		int64_t part;
		enum aps_part_drop how = (enum aps_part_drop)drops->p[at];
		const char *prefix = drops->p + at + 1, *identity = prefix + strlen(prefix) + 1;
		at += strlen(prefix) + strlen(identity) + 3;
		rc = aps_parts_find(file, aps_str_of(prefix), aps_str_of(identity), &part, err);
		if (rc == APS_OK && part != 0) rc = aps_parts_drop(file, part, how, err);
	}
	return rc;
}
