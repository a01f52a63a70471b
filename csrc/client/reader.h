/* The application's side of a partition: reads it on its own thread, from memory and from a connection that only reads,
 * and waits for no write. Each read sees one generation of the store, and above it what the application itself has
 * written since; what was read is kept until the core says that it has changed. All functions are for the thread of the
 * Lua state (@thread app). */
#ifndef APS_CLIENT_READER_H
#define APS_CLIENT_READER_H

#include "cache/denormalize.h"
#include "cache/edit.h"
#include "client/channel.h"
#include "client/kept_read.h"
#include "proto/operation.h"
#include "store/cache_store.h"

struct aps_reader;

/* Looks at the store itself, in one view. */
typedef enum aps_rc aps_reader_look(void *context, struct aps_db *db, struct aps_err *err);

APS_BEGIN_DECLS

/* Nothing is opened yet. `policies` are borrowed; a reference of the channel is taken. */
struct aps_reader *aps_reader_new(const char *path, const char *prefix, const char *identity,
                                  const struct aps_policies *policies, struct aps_channel *channel,
                                  struct aps_err *err);
/* NULL is legal. */
void aps_reader_free(struct aps_reader *reader);
/* Reads an operation. What isn't there is in the result; a store that isn't there yet has nothing, and where a
 * store can't be read there is nothing of all that was asked for. E_NOMEM, E_TOO_BIG, E_SYSTEM. */
enum aps_rc aps_reader_read(struct aps_reader *reader, const struct aps_operation *operation,
                            const struct aps_read_options *options, struct aps_read_result *result,
                            struct aps_err *err);
/* aps_reader_read() of an operation that is kept, with these variables, the JSON text of an object or nothing at all.
 * Always by the same reader, which may be gone when it is cleared. */
enum aps_rc aps_reader_read_again(struct aps_reader *reader, struct aps_kept_read *kept, struct aps_str variables,
                                  const struct aps_read_options *options, struct aps_err *err);
/* Reads that follow end with E_TOO_BIG where they lack more records than that in memory, long ones counting for
 * several; what they have read by then is there from then on. 0: they may lack any number. */
void aps_reader_limit_rows(struct aps_reader *reader, size_t max_rows);
/* Appends fields of a record, as aps_field_text() does. */
enum aps_rc aps_reader_field(struct aps_reader *reader, struct aps_str key, struct aps_str field, struct aps_buf *out,
                             struct aps_err *err);
/* Looks at what is kept beside the cache; not at all where the store isn't there, or can't be read now. E_STORAGE, … */
enum aps_rc aps_reader_look_inside(struct aps_reader *reader, aps_reader_look *fn, void *context, struct aps_err *err);

/* aps_data_complete() for an operation or a fragment. */
enum aps_rc aps_reader_complete(struct aps_reader *reader, const struct aps_operation *operation, struct aps_str type,
                                struct aps_str data, struct aps_buf *out, struct aps_err *err);
/* aps_asked_scan() of what was completed. */
enum aps_rc aps_reader_scan(struct aps_reader *reader, const struct aps_operation *operation, struct aps_str data,
                            struct aps_asked *asked, struct aps_err *err);
/* Adds an edit to the list that is being made; from now on reads show it: what can't fail is laid over the cache by the
 * next one of them. On failure it isn't there. E_NOMEM, … */
enum aps_rc aps_reader_edit(struct aps_reader *reader, const struct aps_edit_what *what, struct aps_err *err);
/* The list is complete: its number, with which the core is told of it, and in *edits a reference. Reads show it until
 * the core has decided. 0: nothing was added. */
uint64_t aps_reader_close_edits(struct aps_reader *reader, struct aps_edits **edits);
bool aps_reader_has_open_edits(struct aps_reader *reader);
/* The list that was made last, closed or not, is shown no more; a reference, or NULL: nothing was added. */
struct aps_edits *aps_reader_take_back(struct aps_reader *reader);
/* How many changes own edits have made to what is shown; and those since there were so many, as text: "Post:1.title",
 * each ended by a zero. None are told when what is shown was made anew meanwhile. */
size_t aps_reader_count_changes(struct aps_reader *reader);
void aps_reader_changes_since(struct aps_reader *reader, size_t n_before, struct aps_buf *out);
/* Reads show what the service has said, and what the application has written itself, without optimistic layers: who
 * reads to write what comes of it would make true what is only hoped for. Until it is called with false. */
void aps_reader_look_below(struct aps_reader *reader, bool is_below);
/* Lists of edits that are begun from now on are optimistic layers: shown above all others, and not to who looks below.
 */
void aps_reader_hope(struct aps_reader *reader, bool hopes);
/* What it has in memory, for names of what was read. */
const struct aps_entries *aps_reader_entries(const struct aps_reader *reader);
/* Notes from now on what is read, for the core to know what was used; reads must say what time it is. */
void aps_reader_note_uses(struct aps_reader *reader);
/* Entries that were read and that the core isn't told of yet, each once a minute; at most `max` of them. 0: it isn't
 * worth a message, until a minute is over or there are so many. */
size_t aps_reader_take_used(struct aps_reader *reader, int64_t now_s, uint64_t *numbers, size_t max);
/* Everything is nowhere from now on, until the core has cleared the partition, which is to be told of it, or couldn't;
 * then there is what it has by then. */
void aps_reader_clear(struct aps_reader *reader);
/* The core isn't told after all. */
void aps_reader_take_back_clear(struct aps_reader *reader);
/* True once after damage was met, at *place (client/store_place.h): the core is to be told. */
bool aps_reader_take_damage(struct aps_reader *reader, uint64_t *place);
/* The generation that the last read saw. */
uint64_t aps_reader_generation(const struct aps_reader *reader);

APS_END_DECLS

#endif
