/* URLs that others wrote, for people to read. */
#ifndef APS_CODEC_URL_H
#define APS_CODEC_URL_H

#include "base/str.h"

#define APS_URL_SHOWN_CHARS 128

APS_BEGIN_DECLS

/* Without what may be secret: user, query and fragment (RFC 3986 section 3). Printable, cut to the room that there is.
 */
void aps_url_show(struct aps_str url, char shown[APS_URL_SHOWN_CHARS]);

APS_END_DECLS

#endif
