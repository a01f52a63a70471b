/* Looks up members of an object in a text, without a tree: the text is read for each. Members that are asked for in
 * the order in which they stand cost one pass over the text in all. */
#ifndef APS_CODEC_JSON_MEMBERS_H
#define APS_CODEC_JSON_MEMBERS_H

#include "codec/json_reader.h"

struct aps_json_members {
	struct aps_str object;
	struct aps_json_reader r; /* private: stands behind the member that was found last */
	bool is_object;           /* private, like: */
	bool is_at_start;
	size_t n_read; /* bytes that were read so far, by all look-ups */
};

APS_BEGIN_DECLS

/* Of what is no object no member is ever found. */
void aps_json_members_init(struct aps_json_members *members, struct aps_str object);
/* The member of the KEY that `key` has just read, the first one from where the last search ended. Its value's text;
 * false: there is none. */
bool aps_json_members_find(struct aps_json_members *members, const struct aps_json_reader *key, struct aps_str *value);
bool aps_json_members_get(struct aps_json_members *members, const char *zero_terminated, struct aps_str *value);
/* The same of a GraphQL name, which is never escaped. */
bool aps_json_members_named(struct aps_json_members *members, struct aps_str name, struct aps_str *value);

APS_END_DECLS

#endif
