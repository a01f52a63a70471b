#include "sync/sync_row.h"

#include "codec/json_reader.h"

void aps_sync_row_put(struct aps_buf *out, const struct aps_checkpoint *checkpoint, int64_t skew_ms)
{
	aps_buf_addf(out, "{\"skew\":%lld,\"checkpoint\":", (long long)skew_ms);
	aps_checkpoint_put(out, checkpoint);
	aps_buf_add_byte(out, '}');
}

bool aps_sync_row_take(struct aps_str text, struct aps_checkpoint *checkpoint, int64_t *skew_ms)
{
	struct aps_json_reader r;
	struct aps_str value = APS_STR("");
	int64_t skew = 0;
	aps_json_reader_init(&r, text, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT || aps_json_next(&r) != APS_JSON_KEY) return false;
	if (!aps_json_text_is(&r, "skew") || aps_json_next(&r) != APS_JSON_INT) return false;
	skew = r.integer;
	if (aps_json_next(&r) != APS_JSON_KEY || !aps_json_text_is(&r, "checkpoint")) return false;
	if (aps_json_skip_value(&r, &value) != APS_OK || aps_json_next(&r) != APS_JSON_OBJECT_END) return false;
	if (aps_json_next(&r) != APS_JSON_END || !aps_checkpoint_take(checkpoint, value)) return false;
	*skew_ms = skew;
	return true;
}
