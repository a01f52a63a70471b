/* What a program costs that reads JSON and writes it again. */
#ifndef APS_BENCH_JSON_COPY_H
#define APS_BENCH_JSON_COPY_H

#include "codec/json_reader.h"
#include "codec/json_writer.h"

/* Keys and strings as they stand: what is decoded in one is not what is measured. */
static inline void bench_copy_token(struct aps_json_writer *w, const struct aps_json_reader *r,
                                    enum aps_json_token token)
{
	switch (token) {
	case APS_JSON_OBJECT: aps_json_write_object(w); break;
	case APS_JSON_OBJECT_END: aps_json_write_object_end(w); break;
	case APS_JSON_ARRAY: aps_json_write_array(w); break;
	case APS_JSON_ARRAY_END: aps_json_write_array_end(w); break;
	case APS_JSON_KEY: aps_json_write_key(w, r->text); break;
	case APS_JSON_STRING: aps_json_write_string(w, r->text); break;
	case APS_JSON_INT: aps_json_write_int(w, r->integer); break;
	case APS_JSON_DOUBLE: aps_json_write_double(w, r->number); break;
	default: aps_json_write_bool(w, token == APS_JSON_TRUE); break;
	}
}

#endif
