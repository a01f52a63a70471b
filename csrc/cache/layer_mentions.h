/* Which records a layer speaks of that nobody but layers knows: what it says has to be said of the service's own once
 * that has come (cache/layer_map.h), and a store finds by them the layers that do.
 *
 * A layer mentions a record when a patch of it is of a field of that record, or refers to it. A patch of the record
 * itself says so without this. So it costs a queued mutation nothing as long as it speaks of what it has made itself,
 * or of what the service knows; a later one that speaks of that has one small row more, beside the record's patches.
 * A record that the service knew when the layer was made, and that was evicted since, isn't mentioned: then its layer
 * goes on to refer to what is nowhere. */
#ifndef APS_CACHE_LAYER_MENTIONS_H
#define APS_CACHE_LAYER_MENTIONS_H

#include "cache/write.h"

APS_BEGIN_DECLS

/* Appends the numbers (uint64_t) of the entries that a whole layer mentions and has no patch of, in order, each once;
 * patches that leave with the open write don't count. E_NOMEM, what the backing says. */
enum aps_rc aps_layer_mentions(const struct aps_layer *layer, struct aps_entries *entries, struct aps_buf *numbers,
                               struct aps_err *err);

APS_END_DECLS

#endif
