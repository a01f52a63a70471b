#include "cache/explain.h"

static const char *const WORDS[] = {
#define WORD(name, word) word,
        APS_READ_STATE_MAP(WORD)
#undef WORD
};

static struct aps_explain *of(struct aps_read_observer *observer)
{
	return APS_CONTAINER_OF(observer, struct aps_explain, observer);
}

static void begin(struct aps_read_observer *observer)
{
	struct aps_explain *explain = of(observer);
	aps_buf_reset(explain->out);
	aps_json_writer_init(&explain->w, explain->out);
	memset(explain->n_states, 0, sizeof explain->n_states);
	explain->n_fields = 0;
	aps_json_write_object(&explain->w);
	aps_json_write_key(&explain->w, APS_STR("fields"));
	aps_json_write_array(&explain->w);
}

static void put_field(struct aps_read_observer *observer, struct aps_str path, enum aps_read_state state,
                      uint64_t record)
{
	struct aps_explain *explain = of(observer);
	explain->n_states[state]++;
	if (explain->n_fields++ >= APS_EXPLAIN_MAX_FIELDS) return;
	const struct aps_entry *entry = record != 0 ? aps_entries_peek(explain->entries, record) : NULL;
	struct aps_str key = entry != NULL ? aps_entry_key(entry) : APS_STR("RROOT_QUERY");
	aps_json_write_object(&explain->w);
	aps_json_write_member(&explain->w, "path", path);
	aps_json_write_member(&explain->w, "state", aps_str_of(WORDS[state]));
	aps_json_write_member(&explain->w, "key", (struct aps_str){key.p + 1, key.n != 0 ? key.n - 1 : 0});
	aps_json_write_object_end(&explain->w);
}

void aps_explain_init(struct aps_explain *explain, const struct aps_entries *entries, struct aps_buf *out)
{
	*explain = (struct aps_explain){.observer = {begin, put_field}, .entries = entries, .out = out};
}

enum aps_rc aps_explain_finish(struct aps_explain *explain, struct aps_err *err)
{
	bool is_complete = explain->n_states[APS_READ_MISSING] == 0;
	aps_json_write_array_end(&explain->w);
	aps_json_write_key(&explain->w, APS_STR("complete"));
	aps_json_write_bool(&explain->w, is_complete);
	aps_json_write_key(&explain->w, APS_STR("network"));
	aps_json_write_bool(&explain->w, !is_complete || explain->n_states[APS_READ_EXPIRED] != 0);
	aps_json_write_object_end(&explain->w);
	if (aps_json_writer_finish(&explain->w) == APS_OK) return APS_OK;
	if (err != NULL) *err = explain->w.err;
	return explain->w.err.code;
}
