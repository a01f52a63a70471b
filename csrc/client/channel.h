/* From the core to one reader of a partition: which entries a commit changes, told before it, and which commit was the
 * last, told after it. One sender (@thread core), one reader (@thread app), shared by an atomic reference count. */
#ifndef APS_CLIENT_CHANNEL_H
#define APS_CLIENT_CHANNEL_H

#include "base/buf.h"

struct aps_channel;

APS_BEGIN_DECLS

struct aps_channel *aps_channel_new(void); /* one reference */
struct aps_channel *aps_channel_ref(struct aps_channel *channel);
void aps_channel_unref(struct aps_channel *channel); /* NULL is legal */

/* `entries`: numbers that this generation changes; NULL: any may be changed. What a reader doesn't fetch for long, and
 * what there is no memory for, becomes "any". @thread core */
void aps_channel_announce(struct aps_channel *channel, uint64_t generation, const uint64_t *entries, size_t n);
/* It was committed. @thread core */
void aps_channel_publish(struct aps_channel *channel, uint64_t generation);

/* The last that was committed. @thread app */
uint64_t aps_channel_generation(const struct aps_channel *channel);
/* Appends the entries (uint64_t) that generations up to this one changed and that weren't fetched before. False: any
 * may be. @thread app */
bool aps_channel_fetch(struct aps_channel *channel, uint64_t generation, struct aps_buf *entries);

APS_END_DECLS

#endif
