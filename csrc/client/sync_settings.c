#include "client/sync_settings.h"

#include "base/mem.h"
#include "codec/digest.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"

const char *aps_sync_part_name(enum aps_sync_part_kind kind)
{
	static const char *const NAMES[] = {
#define NAME(name, text) text,
	        APS_SYNC_PART_MAP(NAME)
#undef NAME
	};
	return kind < APS_SYNC_PARTS ? NAMES[kind] : "";
}

bool aps_sync_has_part(const struct aps_sync_settings *settings, enum aps_sync_part_kind kind)
{
	return settings->parts[kind].operation.document != NULL;
}

void aps_sync_settings_init(struct aps_sync_settings *settings)
{
	aps_arena_init(&settings->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&settings->headers, &settings->arena);
}

void aps_sync_settings_clear(struct aps_sync_settings *settings)
{
	for (int i = 0; i < APS_SYNC_PARTS; i++) {
		struct aps_sync_part *part = &settings->parts[i];
		if (part->operation.document != NULL) aps_operation_clear(&part->operation);
		aps_page_names_clear(&part->names);
		aps_free(part->limit_variable);
		aps_free(part->token_variable);
		part->limit_variable = part->token_variable = NULL;
	}
	aps_free(settings->version_field);
	settings->version_field = NULL;
	aps_arena_clear(&settings->arena);
}

static enum aps_rc init_names(struct aps_sync_part *part, struct aps_str version, struct aps_err *err)
{
	aps_page_names_clear(&part->names);
	return aps_page_names_init(&part->names, part->operation.document, part->operation.definition, version, err);
}

/* All parts go by one field: the one that the application names, else the first part's. A part that doesn't select the
 * latter says nothing of the order. */
static enum aps_rc look_at_part(const struct aps_sync_settings *settings, struct aps_sync_part *part,
                                struct aps_str first, struct aps_err *err)
{
	const char *version = settings->version_field;
	if (version != NULL && version[0] != '\0') return init_names(part, aps_str_of(version), err);
	enum aps_rc rc = version == NULL && first.n != 0 ? init_names(part, first, err) : APS_E_USAGE;
	if (rc != APS_E_USAGE) return rc;
	rc = init_names(part, APS_STR(""), err);
	if (rc == APS_OK && (version != NULL || first.n != 0))
		part->names.version = part->names.version_field = APS_STR("");
	return rc;
}

/* What a function of the application makes events of may look like anything; then there is no next page. */
static enum aps_rc look_at_handed_over(struct aps_sync_settings *settings, struct aps_err *err)
{
	struct aps_sync_part *part = &settings->parts[APS_SYNC_PART_DELTA];
	enum aps_rc rc = init_names(part, APS_STR(""), err);
	return rc == APS_E_USAGE && part->has_update ? APS_OK : rc;
}

enum aps_rc aps_sync_settings_look(struct aps_sync_settings *settings, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	struct aps_delta_sync_options *options = &settings->options;
	options->has_base = aps_sync_has_part(settings, APS_SYNC_PART_BASE);
	options->has_delta = aps_sync_has_part(settings, APS_SYNC_PART_DELTA);
	options->has_subscription = aps_sync_has_part(settings, APS_SYNC_PART_SUBSCRIPTION);
	options->is_paged = settings->parts[APS_SYNC_PART_BASE].limit_variable != NULL;
	options->is_delta_paged = settings->parts[APS_SYNC_PART_DELTA].limit_variable != NULL;
	if (settings->hands_over) return look_at_handed_over(settings, err);
	struct aps_str first = APS_STR("");
	for (int i = 0; rc == APS_OK && i < APS_SYNC_PARTS; i++) {
		struct aps_sync_part *part = &settings->parts[i];
		if (part->operation.document == NULL) continue;
		rc = look_at_part(settings, part, first, err);
		if (first.n == 0) first = part->names.version_field;
	}
	return rc;
}

bool aps_sync_settings_name(const struct aps_sync_settings *settings, unsigned n_equal, char name[65])
{
	struct aps_buf text;
	struct aps_json_writer w;
	unsigned char digest[APS_SHA256_BYTES];
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &text);
	aps_json_write_object(&w);
	for (int i = 0; i < APS_SYNC_PARTS; i++) {
		const struct aps_operation *operation = &settings->parts[i].operation;
		if (operation->document == NULL) continue;
		aps_json_write_key(&w, aps_str_of(aps_sync_part_name((enum aps_sync_part_kind)i)));
		aps_json_write_object(&w);
		aps_json_write_member(&w, "query", aps_operation_text(operation));
		aps_json_write_key(&w, APS_STR("variables"));
		aps_json_write_raw(&w, aps_operation_variables(operation));
		aps_json_write_object_end(&w);
	}
	if (n_equal != 0) aps_json_write_key(&w, APS_STR("equal"));
	if (n_equal != 0) aps_json_write_int(&w, n_equal);
	aps_json_write_object_end(&w);
	bool is_done = aps_json_writer_finish(&w) == APS_OK && aps_sha256(aps_buf_str(&text), digest);
	if (is_done) aps_hex(digest, sizeof digest, name);
	aps_buf_clear(&text);
	return is_done;
}

bool aps_sync_settings_are_ordered(const struct aps_sync_settings *settings)
{
	for (int i = 0; i < APS_SYNC_PARTS; i++)
		if (aps_sync_has_part(settings, (enum aps_sync_part_kind)i) && settings->parts[i].names.version.n == 0)
			return false;
	return true;
}

/* What of a page isn't in the part's own variables. */
struct page_variables {
	const char *limit, *token, *last_sync;
};

static bool is_replaced(const struct aps_json_reader *r, const struct page_variables *page)
{
	return (page->limit != NULL && aps_json_text_is(r, page->limit)) ||
	       (page->token != NULL && aps_json_text_is(r, page->token)) ||
	       (page->last_sync != NULL && aps_json_text_is(r, page->last_sync));
}

static void copy_members(struct aps_json_writer *w, struct aps_str variables, const struct page_variables *page,
                         struct aps_arena *arena)
{
	struct aps_json_reader r;
	struct aps_str value;
	aps_json_reader_init(&r, variables, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		bool is_kept = !is_replaced(&r, page);
		if (is_kept) aps_json_write_key(w, aps_json_unescape(&r, arena));
		if (aps_json_skip_value(&r, &value) != APS_OK) return;
		if (is_kept) aps_json_write_raw(w, value);
	}
}

/* Where a query says when its pages were made, as lists of versioned models do. What events have is a matter of theirs.
 */
static int64_t last_sync_of(const struct aps_sync_settings *settings, int64_t last_sync_ms)
{
	bool is_in_ms = settings->unit == APS_LAST_SYNC_MILLISECONDS;
	if (settings->unit == APS_LAST_SYNC_BY_DOCUMENT)
		is_in_ms = settings->parts[APS_SYNC_PART_BASE].names.started_at.n != 0 ||
		           settings->parts[APS_SYNC_PART_DELTA].names.started_at.n != 0;
	return is_in_ms ? last_sync_ms : last_sync_ms / 1000;
}

enum aps_rc aps_sync_settings_variables(const struct aps_sync_settings *settings, const struct aps_sync_fetch *fetch,
                                        struct aps_buf *out, struct aps_err *err)
{
	bool is_delta = fetch->query == APS_SYNC_DELTA_QUERY;
	const struct aps_sync_part *part = &settings->parts[is_delta ? APS_SYNC_PART_DELTA : APS_SYNC_PART_BASE];
	bool is_own = part->has_page && fetch->token.n != 0; /* the application's variables are the token */
	struct page_variables page = {0};
	struct aps_arena arena;
	struct aps_json_writer w;
	if (part->limit_variable != NULL && !part->has_page && fetch->page_size != 0) page.limit = part->limit_variable;
	if (part->token_variable != NULL && !part->has_page && fetch->token.n != 0) page.token = part->token_variable;
	if (is_delta) page.last_sync = "lastSync";
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	copy_members(&w, is_own ? fetch->token : aps_operation_variables(&part->operation), &page, &arena);
	if (page.limit != NULL) {
		aps_json_write_key(&w, aps_str_of(page.limit));
		aps_json_write_int(&w, (int64_t)fetch->page_size);
	}
	if (page.token != NULL) aps_json_write_member(&w, page.token, fetch->token);
	if (page.last_sync != NULL) {
		aps_json_write_key(&w, aps_str_of(page.last_sync));
		aps_json_write_int(&w, last_sync_of(settings, fetch->last_sync_ms));
	}
	aps_json_write_object_end(&w);
	bool is_done = aps_json_writer_finish(&w) == APS_OK && arena.rc == APS_OK;
	aps_arena_clear(&arena);
	return is_done ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for the variables of a page");
}
