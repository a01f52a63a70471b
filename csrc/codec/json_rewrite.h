/* JSON text once more, as the one writer writes it: strings as they decode, doubles by the writer's rules, integers
 * digit by digit, be they ever so large. */
#ifndef APS_CODEC_JSON_REWRITE_H
#define APS_CODEC_JSON_REWRITE_H

#include "codec/json_reader.h"
#include "codec/json_writer.h"

APS_BEGIN_DECLS

/* One whole value, by the lenient reader. E_SYNTAX, E_UTF8, E_DEPTH of the text, what the writer says. */
enum aps_rc aps_json_rewrite(struct aps_json_writer *w, struct aps_str text, struct aps_err *err);

APS_END_DECLS

#endif
