#include "cache/object_type.h"

bool aps_object_type(const struct aps_json_reader *r, struct aps_arena *arena, struct aps_str *type)
{
	struct aps_json_reader ahead = *r;
	*type = APS_STR("");
	while (aps_json_next(&ahead) == APS_JSON_KEY) {
		if (!aps_json_text_is(&ahead, "__typename")) {
			if (aps_json_skip_value(&ahead, NULL) != APS_OK) return true;
			continue;
		}
		if (aps_json_next(&ahead) != APS_JSON_STRING) return true;
		struct aps_str text = aps_json_unescape(&ahead, arena);
		if (text.p != NULL) *type = text;
		return text.p != NULL;
	}
	return true;
}
