/* Base64 and base64url (RFC 4648). */
#ifndef APS_CODEC_BASE64_H
#define APS_CODEC_BASE64_H

#include "base/buf.h"

enum aps_base64_form {
	APS_BASE64,    /* + and /, padded */
	APS_BASE64_URL /* - and _, without padding */
};

APS_BEGIN_DECLS

void aps_base64_encode(struct aps_buf *out, struct aps_str bytes, enum aps_base64_form form);
/* Strict alphabet; padding may be missing, but must be right where it stands. E_SYNTAX with the offset. */
enum aps_rc aps_base64_decode(struct aps_buf *out, struct aps_str text, enum aps_base64_form form, struct aps_err *err);

APS_END_DECLS

#endif
