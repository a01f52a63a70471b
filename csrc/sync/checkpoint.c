/* {"version":1,"base_ms":…,…,"base":{…},"delta":{…}}: each member once, in the order of the tables. Anything else is a
 * damaged text, or one of another version: a sync that knows nothing begins anew, and loses only time. */
#include "sync/checkpoint.h"

#include "base/mem.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"

#define VERSION    1
#define MAX_DEPTH  2
#define MAX_NUMBER (INT64_C(1) << 53) /* times and counts: what every reader of JSON has exactly */

enum kind { TIME, COUNT, FLAG, TOKEN, PASS };

struct member {
	const char *name;
	enum kind kind;
	size_t offset;
};

#define OF(type, name, kind)                                                                                           \
	{                                                                                                              \
#name, kind, offsetof(struct type, name)                                                               \
	}

static const struct member PASS_MEMBERS[] = {
        OF(aps_sync_pass, is_open, FLAG),  OF(aps_sync_pass, token, TOKEN),     OF(aps_sync_pass, began_ms, TIME),
        OF(aps_sync_pass, since_ms, TIME), OF(aps_sync_pass, n_records, COUNT), OF(aps_sync_pass, n_pages, COUNT),
        OF(aps_sync_pass, n_bytes, COUNT),
};

static const struct member MEMBERS[] = {
        OF(aps_checkpoint, base_ms, TIME),         OF(aps_checkpoint, last_sync_ms, TIME),
        OF(aps_checkpoint, n_base_records, COUNT), OF(aps_checkpoint, base, PASS),
        OF(aps_checkpoint, delta, PASS),           OF(aps_checkpoint, max_records, COUNT),
        OF(aps_checkpoint, is_truncated, FLAG),    OF(aps_checkpoint, is_beside, FLAG),
        OF(aps_checkpoint, has_unknown, FLAG),     OF(aps_checkpoint, has_missed, FLAG),
};

void aps_checkpoint_init(struct aps_checkpoint *checkpoint)
{
	*checkpoint = (struct aps_checkpoint){.base_ms = 0};
	aps_buf_init(&checkpoint->base.token, APS_BUF_ANY_SIZE);
	aps_buf_init(&checkpoint->delta.token, APS_BUF_ANY_SIZE);
}

void aps_checkpoint_clear(struct aps_checkpoint *checkpoint)
{
	aps_buf_clear(&checkpoint->base.token);
	aps_buf_clear(&checkpoint->delta.token);
	aps_checkpoint_init(checkpoint);
}

static struct aps_buf copy_of(const struct aps_buf *token)
{
	struct aps_buf copy;
	aps_buf_init(&copy, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&copy, aps_buf_str(token));
	return copy;
}

enum aps_rc aps_checkpoint_copy(struct aps_checkpoint *to, const struct aps_checkpoint *from, struct aps_err *err)
{
	if (to == from) return APS_OK;
	struct aps_buf base = copy_of(&from->base.token);
	struct aps_buf delta = copy_of(&from->delta.token);
	if (base.rc != APS_OK || delta.rc != APS_OK) {
		aps_buf_clear(&base);
		aps_buf_clear(&delta);
		return aps_fail(err, APS_E_NOMEM, "no memory for the checkpoint of a sync");
	}
	aps_checkpoint_clear(to);
	*to = *from;
	to->base.token = base;
	to->delta.token = delta;
	return APS_OK;
}

static void put_members(struct aps_json_writer *w, const void *object, const struct member *members, size_t n);

static void put_value(struct aps_json_writer *w, const void *at, enum kind kind)
{
	const struct aps_sync_pass *pass = at;
	switch (kind) {
	case TIME: aps_json_write_int(w, *(const int64_t *)at); break;
	case COUNT: aps_json_write_int(w, (int64_t) * (const uint64_t *)at); break;
	case FLAG: aps_json_write_bool(w, *(const bool *)at); break;
	case TOKEN: aps_json_write_string(w, aps_buf_str(at)); break;
	case PASS:
		aps_json_write_object(w);
		put_members(w, pass, PASS_MEMBERS, APS_COUNTOF(PASS_MEMBERS));
		aps_json_write_object_end(w);
		break;
	}
}

static void put_members(struct aps_json_writer *w, const void *object, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		aps_json_write_key(w, aps_str_of(members[i].name));
		put_value(w, (const char *)object + members[i].offset, members[i].kind);
	}
}

void aps_checkpoint_put(struct aps_buf *out, const struct aps_checkpoint *checkpoint)
{
	struct aps_json_writer w;
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	aps_json_write_key(&w, APS_STR("version"));
	aps_json_write_int(&w, VERSION);
	put_members(&w, checkpoint, MEMBERS, APS_COUNTOF(MEMBERS));
	aps_json_write_object_end(&w);
	enum aps_rc rc = aps_json_writer_finish(&w);
	if (out->rc == APS_OK) out->rc = rc; /* a token that isn't UTF-8: none of a service's */
}

static bool take_members(struct aps_json_reader *r, void *object, const struct member *members, size_t n);

static bool take_number(struct aps_json_reader *r)
{
	return aps_json_next(r) == APS_JSON_INT && r->integer >= 0 && r->integer <= MAX_NUMBER;
}

static bool take_flag(struct aps_json_reader *r, bool *flag)
{
	enum aps_json_token token = aps_json_next(r);
	*flag = token == APS_JSON_TRUE;
	return token == APS_JSON_TRUE || token == APS_JSON_FALSE;
}

static bool take_token(struct aps_json_reader *r, struct aps_buf *token)
{
	if (aps_json_next(r) != APS_JSON_STRING) return false;
	char *at = aps_buf_reserve(token, aps_json_unescape_room(r));
	if (at == NULL) return false;
	size_t n = aps_json_unescape_to(r, at);
	at[n] = '\0';
	token->n += n;
	return true;
}

static bool take_value(struct aps_json_reader *r, void *at, enum kind kind)
{
	switch (kind) {
	case TIME:
		if (!take_number(r)) return false;
		*(int64_t *)at = r->integer;
		return true;
	case COUNT:
		if (!take_number(r)) return false;
		*(uint64_t *)at = (uint64_t)r->integer;
		return true;
	case FLAG: return take_flag(r, at);
	case TOKEN: return take_token(r, at);
	case PASS:
		return aps_json_next(r) == APS_JSON_OBJECT &&
		       take_members(r, at, PASS_MEMBERS, APS_COUNTOF(PASS_MEMBERS)) &&
		       aps_json_next(r) == APS_JSON_OBJECT_END;
	}
	return false;
}

static bool take_key(struct aps_json_reader *r, const char *name)
{
	return aps_json_next(r) == APS_JSON_KEY && aps_json_text_is(r, name);
}

static bool take_members(struct aps_json_reader *r, void *object, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!take_key(r, members[i].name) ||
		    !take_value(r, (char *)object + members[i].offset, members[i].kind))
			return false;
	return true;
}

/* What a pass can't be, a text can say. */
static bool is_sound(const struct aps_sync_pass *pass, bool has_token)
{
	if (pass->token.n > 0 && (!has_token || pass->began_ms == 0)) return false;
	return !pass->is_open || pass->began_ms == 0 || pass->token.n > 0;
}

static bool take_all(struct aps_checkpoint *c, struct aps_json_reader *r)
{
	if (aps_json_next(r) != APS_JSON_OBJECT) return false;
	if (!take_key(r, "version") || !take_number(r) || r->integer != VERSION) return false;
	if (!take_members(r, c, MEMBERS, APS_COUNTOF(MEMBERS))) return false;
	if (aps_json_next(r) != APS_JSON_OBJECT_END || aps_json_next(r) != APS_JSON_END) return false;
	if (c->is_truncated && (c->base.is_open || c->base.token.n == 0)) return false;
	return is_sound(&c->base, c->base.is_open || c->is_truncated) && is_sound(&c->delta, c->delta.is_open);
}

bool aps_checkpoint_take(struct aps_checkpoint *checkpoint, struct aps_str text)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, MAX_DEPTH);
	r.strictness = APS_JSON_STRICT;
	aps_checkpoint_clear(checkpoint);
	if (take_all(checkpoint, &r)) return true;
	aps_checkpoint_clear(checkpoint);
	return false;
}
