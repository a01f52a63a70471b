/* Which damaged stores were set aside and still have to be read for their outboxes: a file beside the store, "-aside",
 * with the endings of their names, one a line. It is there before one is moved, and until what was saved is on the disk
 * in the store that took its place: as long as it is there, nobody has used that one. */
#ifndef APS_STORE_ASIDE_NOTE_H
#define APS_STORE_ASIDE_NOTE_H

#include "base/buf.h"
#include "base/err.h"

APS_BEGIN_DECLS

/* 0, or errno: nothing was added. On the disk when it returns, as far as the file system does that. */
int aps_aside_note_add(const char *path, const char *ending);
/* Takes the last one out again. */
void aps_aside_note_take_back(const char *path, const char *ending);
/* Appends the endings, each ended by a zero; nothing where there is no note. E_STORAGE, E_NOMEM. */
enum aps_rc aps_aside_note_read(const char *path, struct aps_buf *endings, struct aps_err *err);
/* E_STORAGE: it may still be there. */
enum aps_rc aps_aside_note_remove(const char *path, struct aps_err *err);

APS_END_DECLS

#endif
