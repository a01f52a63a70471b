/* What the application's thread knows of ids that it made up: which the service has given in their places. They are
 * read of the store (store/id_map.h) when they are asked for, and known until the core says that there are others:
 *
 *   nothing known --asked--> whether the identity has any pair --none--> nothing is looked up
 *                                                             \--some--> each id that is asked for, once
 *
 * Where the core has seen, when it opened the store, that there is none, the store isn't read for it: the application's
 * thread would have to open it. An identity without temporary ids costs a look at some counters. @thread app */
#ifndef APS_CLIENT_MADE_IDS_H
#define APS_CLIENT_MADE_IDS_H

#include "base/buf.h"
#include "base/map.h"
#include "client/reader.h"

struct aps_made_ids {
	struct aps_reader *reader; /* borrowed, like: */
	const struct aps_channel *channel;
	const char *prefix, *identity;
	uint64_t version, place; /* of what is known */
	bool is_known;           /* whether there is any */
	bool has_any;
	int64_t owner;
	struct aps_map found; /* by the temporary id */
};

APS_BEGIN_DECLS

void aps_made_ids_init(struct aps_made_ids *ids, struct aps_reader *reader, const struct aps_channel *channel,
                       const char *prefix, const char *identity);
/* Twice is legal. */
void aps_made_ids_clear(struct aps_made_ids *ids);

/* What follows needn't open the store. */
bool aps_made_ids_are_at_hand(struct aps_made_ids *ids);
/* Whether some id of the identity may have another one. *has_any false as well where the store can't be read. E_NOMEM,
 * … */
enum aps_rc aps_made_ids_look(struct aps_made_ids *ids, bool *has_any, struct aps_err *err);
/* The service's id, which stays in place until the next call; {NULL, 0}: there is none. E_NOMEM, … */
enum aps_rc aps_made_ids_find(struct aps_made_ids *ids, struct aps_str temporary, struct aps_str *made,
                              struct aps_err *err);
/* aps_id_substitute() with these; *is_changed false: nothing was appended. */
enum aps_rc aps_made_ids_replace(struct aps_made_ids *ids, struct aps_str json, struct aps_buf *out, bool *is_changed,
                                 struct aps_err *err);
/* Appends a record's key, "Todo:…", by the service's ids; *is_changed false: it is known by no others, and nothing was
 * appended. */
enum aps_rc aps_made_ids_replace_in_key(struct aps_made_ids *ids, struct aps_str key, struct aps_buf *out,
                                        bool *is_changed, struct aps_err *err);

APS_END_DECLS

#endif
