/* The form of a UUID (RFC 9562, section 4): 8-4-4-4-12 hexadecimal digits, of any version and in any case. */
#ifndef APS_SYNC_UUID_TEXT_H
#define APS_SYNC_UUID_TEXT_H

#include "base/rand.h"
#include "codec/json_reader.h"

APS_BEGIN_DECLS

/* The whole text is one. */
bool aps_is_uuid(struct aps_str text);
/* The STRING that was just read is one, by its decoded value, which *uuid is then: it points into the text, or into
 * `room` where that has escapes. */
bool aps_uuid_of_json(const struct aps_json_reader *r, char room[APS_UUID_CHARS], struct aps_str *uuid);

APS_END_DECLS

#endif
