/* Which record an optimistic response was right about under another name: the temporary ids that an application gives
 * and the service's own. */
#ifndef APS_CACHE_ID_PAIRS_H
#define APS_CACHE_ID_PAIRS_H

#include "cache/entry.h"

/* An object of a response that has an identity. */
struct aps_identified {
	uint64_t path; /* where it stands, and below that its type: aps_identified_below(), …_at() */
	uint64_t entry;
	bool is_direct; /* at a field of the root, not in a list */
};

struct aps_id_pair {
	uint64_t from; /* the temporary record */
	uint64_t to;
};

APS_BEGIN_DECLS

/* The place of a member, or of an item, of what stands at `path`; 0: the response itself. */
uint64_t aps_identified_below(uint64_t path, struct aps_str response_key);
uint64_t aps_identified_at(uint64_t path, size_t index);

/* Appends struct aps_id_pair, in the order of `from`: what stands at the same place of the response that was hoped for
 * and of the one that came (both of struct aps_identified, which are put in another order), is of the same type, and
 * has another key. Each temporary record once. What was hoped for under its own name is no pair of another one: lists
 * come in another order. E_NOMEM. */
enum aps_rc aps_id_pairs_find(struct aps_buf *hoped, struct aps_buf *came, struct aps_buf *pairs, struct aps_err *err);
/* The record that takes the place of this one; 0: none does. */
uint64_t aps_id_pairs_follow(const struct aps_buf *pairs, uint64_t entry);

/* Of "RTodo:1" the type, with its colon, and what is behind it. */
struct aps_str aps_key_type(struct aps_str key);
struct aps_str aps_key_id(struct aps_str key);
/* The same without "R" and colon. A key that the application's function has made may have no type. */
void aps_key_texts(struct aps_str key, struct aps_str *type, struct aps_str *id);
/* Whether it is what clients make: 8-4-4-4-12 hexadecimal digits (https://www.rfc-editor.org/rfc/rfc9562, section 4).
 */
bool aps_id_is_uuid(struct aps_str id);

/* Appends what is identified as bytes that are the same on all machines, and takes it from them; false: damaged. */
void aps_identified_put(struct aps_buf *out, const struct aps_buf *identified);
bool aps_identified_take(struct aps_str bytes, struct aps_buf *identified);

APS_END_DECLS

#endif
