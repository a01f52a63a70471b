/* Text that somebody else wrote as part of one line that people read: a message, a log line. */
#ifndef APS_BASE_PRINTABLE_H
#define APS_BASE_PRINTABLE_H

#include "base/macros.h"

APS_BEGIN_DECLS

/* Replaces by '?', in place: control characters (C0, DEL, C1), line and paragraph separators, what sets the direction
 * of text or formats it without being seen (Unicode Standard Annex 9, "Explicit Directional Formatting Characters"),
 * and bytes that are not UTF-8. All else stays. The text gets no longer; it ends with a zero. */
void aps_printable(char *text);
/* Takes off a sequence of UTF-8 that the end of a buffer has cut. */
void aps_printable_cut(char *text);

APS_END_DECLS

#endif
