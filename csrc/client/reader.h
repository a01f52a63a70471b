/* The application's side of a partition: reads it on its own thread, from memory and from a connection that only reads,
 * and waits for no write. Each read sees one generation of the store; what was read is kept until the core says that it
 * has changed. All functions are for the thread of the Lua state (@thread app). */
#ifndef APS_CLIENT_READER_H
#define APS_CLIENT_READER_H

#include "cache/denormalize.h"
#include "client/channel.h"
#include "proto/operation.h"
#include "store/cache_store.h"

struct aps_reader;

APS_BEGIN_DECLS

/* Nothing is opened yet. `policies` are borrowed; a reference of the channel is taken. */
struct aps_reader *aps_reader_new(const char *path, const char *prefix, const char *identity,
                                  const struct aps_policies *policies, struct aps_channel *channel,
                                  struct aps_err *err);
/* NULL is legal. */
void aps_reader_free(struct aps_reader *reader);
/* Reads an operation. What isn't there is in the result; a store that isn't there yet has nothing. E_NOMEM, E_TOO_BIG,
 * E_STORAGE, … */
enum aps_rc aps_reader_read(struct aps_reader *reader, const struct aps_operation *operation,
                            const struct aps_read_options *options, struct aps_read_result *result,
                            struct aps_err *err);
/* Notes from now on what is read, for the core to know what was used; reads must say what time it is. */
void aps_reader_note_uses(struct aps_reader *reader);
/* Entries that were read and that the core isn't told of yet, each once a minute; at most `max` of them. 0: it isn't worth
 * a message, until a minute is over or there are so many. */
size_t aps_reader_take_used(struct aps_reader *reader, int64_t now_s, uint64_t *numbers, size_t max);
/* Everything is nowhere from now on, until the core has cleared the partition, which is to be told of it, or couldn't;
 * then there is what it has by then. */
void aps_reader_clear(struct aps_reader *reader);
/* The core isn't told after all. */
void aps_reader_take_back_clear(struct aps_reader *reader);
/* The generation that the last read saw. */
uint64_t aps_reader_generation(const struct aps_reader *reader);

APS_END_DECLS

#endif
