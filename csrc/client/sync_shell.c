#include "client/sync_shell.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"

struct shell {
	const struct aps_page *page;
	struct aps_str next_token; /* its response key; empty: none */
	struct aps_json_writer w;
	struct aps_arena arena;
};

/* An object on the way to the list, whose opening was read; `depth`: how many keys led to it. */
static void copy_object(struct shell *shell, struct aps_json_reader *r, size_t depth)
{
	const struct aps_page *page = shell->page;
	struct aps_str value;
	aps_json_write_object(&shell->w);
	while (aps_json_next(r) == APS_JSON_KEY) {
		struct aps_str key = aps_json_unescape(r, &shell->arena);
		bool is_on_way = depth < page->n_path && aps_str_eq(key, page->path[depth]);
		bool is_list = is_on_way && depth + 1 == page->n_path;
		bool is_token = !is_on_way && shell->next_token.n != 0 && aps_str_eq(key, shell->next_token);
		aps_json_write_key(&shell->w, key);
		if (is_on_way && !is_list && aps_json_next(r) == APS_JSON_OBJECT) {
			copy_object(shell, r, depth + 1);
			continue;
		}
		if (aps_json_skip_value(r, &value) != APS_OK) break;
		if (is_list)
			aps_json_write_raw(&shell->w, APS_STR("[]"));
		else if (is_token)
			aps_json_write_null(&shell->w);
		else
			aps_json_write_raw(&shell->w, value);
	}
	aps_json_write_object_end(&shell->w);
}

enum aps_rc aps_sync_shell_write(struct aps_sync_run *run, struct aps_partition *partition, struct aps_binding *binding,
                                 const struct aps_partition_data *data, struct aps_err *err)
{
	struct shell shell = {.page = &run->keeping.answer.page,
	                      .next_token = run->settings->parts[APS_SYNC_PART_BASE].names.next_token};
	struct aps_json_reader r;
	struct aps_buf json;
	struct aps_normalized out;
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_arena_init(&shell.arena, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&shell.w, &json);
	aps_json_reader_init(&r, data->data, 0);
	if (aps_json_next(&r) == APS_JSON_OBJECT) copy_object(&shell, &r, 0);
	enum aps_rc rc = aps_json_writer_finish(&shell.w) == APS_OK && shell.arena.rc == APS_OK
	                         ? APS_OK
	                         : aps_fail(err, APS_E_NOMEM, "no memory for a page");
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY"), .now_s = data->now_s};
	if (rc == APS_OK) rc = aps_normalize(&partition->merge, binding, aps_buf_str(&json), &options, &out, err);
	aps_buf_clear(&out.stale);
	aps_buf_clear(&json);
	aps_arena_clear(&shell.arena);
	return rc;
}
