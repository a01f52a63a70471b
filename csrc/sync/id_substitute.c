#include "sync/id_substitute.h"

#include "codec/json_writer.h"
#include "sync/uuid_text.h"

struct copying {
	struct aps_json_reader r;
	const char *copied; /* up to there `out` has all */
	struct aps_buf *out;
	bool is_changed;
	enum aps_rc utf8_rc;
};

static void copy_to(struct copying *in, const char *end)
{
	aps_buf_add(in->out, in->copied, (size_t)(end - in->copied));
	in->copied = end;
}

static void replace(struct copying *in, struct aps_str text)
{
	struct aps_json_writer w;
	copy_to(in, in->r.text.p - 1);
	aps_json_writer_init(&w, in->out);
	aps_json_write_string(&w, text);
	if (w.err.code == APS_E_UTF8) in->utf8_rc = APS_E_UTF8;
	in->copied = in->r.at;
	in->is_changed = true;
}

static void copy_string(struct copying *in, aps_id_lookup *lookup, void *context)
{
	char room[APS_UUID_CHARS];
	struct aps_str id;
	if (!aps_uuid_of_json(&in->r, room, &id)) return;
	struct aps_str other = lookup(context, id);
	if (other.p != NULL && !aps_str_eq(other, id)) replace(in, other);
}

static enum aps_rc finish(const struct copying *in, struct aps_err *err)
{
	if (in->r.err.code != APS_OK) {
		if (err != NULL) *err = in->r.err;
		return in->r.err.code;
	}
	if (in->utf8_rc != APS_OK)
		return aps_fail(err, APS_E_UTF8, "The id that takes a temporary one's place isn't UTF-8");
	if (in->out->rc == APS_E_TOO_BIG)
		return aps_fail(err, APS_E_TOO_BIG, "With the service's ids the text is larger than %zu bytes",
		                in->out->max_bytes);
	if (in->out->rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "Out of memory while replacing temporary ids");
	return APS_OK;
}

enum aps_rc aps_id_substitute(struct aps_str json, aps_id_lookup *lookup, void *context, struct aps_buf *out,
                              bool *is_changed, struct aps_err *err)
{
	struct copying in = {.out = out};
	size_t n_before = out->n;
	enum aps_json_token token;
	*is_changed = false;
	aps_json_reader_init(&in.r, json, APS_JSON_MAX_DEPTH);
	in.copied = in.r.start;
	while ((token = aps_json_next(&in.r)) != APS_JSON_END && token != APS_JSON_ERROR)
		if (token == APS_JSON_STRING) copy_string(&in, lookup, context);
	copy_to(&in, in.r.end);
	enum aps_rc rc = finish(&in, err);
	if (rc == APS_OK)
		*is_changed = in.is_changed;
	else
		out->n = n_before;
	return rc;
}
