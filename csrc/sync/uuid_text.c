#include "sync/uuid_text.h"

#define ESCAPE_CHARS 6 /* of the longest spelling of a byte, \u0061 */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool aps_is_uuid(struct aps_str text)
{
	static const char FORM[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	if (text.n != APS_UUID_CHARS) return false;
	for (size_t i = 0; i < APS_UUID_CHARS; i++)
		if (FORM[i] == '-' ? text.p[i] != '-' : !is_hex(text.p[i])) return false;
	return true;
}

bool aps_uuid_of_json(const struct aps_json_reader *r, char room[APS_UUID_CHARS], struct aps_str *uuid)
{
	char decoded[APS_UUID_CHARS * ESCAPE_CHARS];
	*uuid = r->text;
	if (r->has_escapes) {
		if (aps_json_unescape_room(r) > sizeof decoded) return false;
		*uuid = (struct aps_str){decoded, aps_json_unescape_to(r, decoded)};
	}
	if (!aps_is_uuid(*uuid)) return false;
	if (uuid->p != decoded) return true;
	memcpy(room, decoded, APS_UUID_CHARS);
	uuid->p = room;
	return true;
}
