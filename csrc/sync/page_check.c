#include "sync/page_check.h"

#include "codec/json_members.h"

/* The record itself, where a list of such may be. */
static bool is_one_record(const struct aps_page *page, const struct aps_page_names *names)
{
	return !page->is_list && !names->has_list && aps_page_count(page) != 0;
}

/* Its shape is right. */
static bool has_null_for_list(const struct aps_page *page, const struct aps_page_names *names,
                              const struct aps_page_duty *duty, struct aps_str errors)
{
	if (page->is_list || is_one_record(page, names)) return false;
	if (errors.n != 0) return true;
	return duty->is_base && (names->has_list || !duty->may_be_nothing);
}

/* No object is in it. */
static bool is_of_scalars(const struct aps_page *page)
{
	if (!page->is_list || !page->has_scalars) return false;
	for (size_t i = 0; i < aps_page_count(page); i++)
		if (aps_page_at(page, i)->text.p != NULL) return false;
	return true;
}

/* What has come can't become records, whatever is in it. NULL: it may. Null says nothing of the shape. */
static const char *other_shape(const struct aps_page *page, const struct aps_page_names *names,
                               const struct aps_page_duty *duty)
{
	static const char *const ONE = "has one object without a list for ";
	if (is_of_scalars(page)) return "has a list of scalars for ";
	if (is_one_record(page, names)) return duty->is_base && duty->keeps_list ? ONE : NULL;
	if (page->is_list || page->is_null) return NULL;
	if (page->n_path == 0) return "doesn't have the field ";
	return page->is_scalar ? "has a scalar for " : ONE;
}

/* Of the query, as the application has given it. */
static const char *name_of(const struct aps_page_duty *duty)
{
	return duty->is_catch_up ? "catch_up" : duty->is_base ? "base" : "delta";
}

static enum aps_rc refuse_shape(const char *what, const struct aps_page_names *names, const struct aps_page_duty *duty,
                                struct aps_err *err)
{
	return aps_fail_word(err, APS_E_PROTOCOL, APS_PAGE_NO_LIST, 0,
	                     "%s%s: the service's answer %s%.*s; a list of records is needed there, or an object "
	                     "with such a list",
	                     name_of(duty), duty->is_catch_up ? "" : "_query", what, aps_str_shown(names->root),
	                     names->root.p);
}

static enum aps_rc refuse_null(const struct aps_page_names *names, const struct aps_page_duty *duty,
                               struct aps_err *err)
{
	struct aps_str root = names->root, items = names->items;
	return aps_fail(err, APS_E_PROTOCOL,
	                "the service's answer to the %s query has null for the list %.*s%s%.*s; %s", name_of(duty),
	                aps_str_shown(root), root.p, items.n != 0 ? "." : "", aps_str_shown(items),
	                items.n != 0 ? items.p : "",
	                duty->is_base ? "where there are no records the list has to be empty"
	                              : "where nothing has changed the list has to be empty, or null");
}

/* Whether the path of an error is that of a field beside the list, or beside an object that the list is in. */
static bool leads_beside(struct aps_str path, const struct aps_page *page, struct aps_str key)
{
	struct aps_json_reader r;
	size_t n = 0;
	aps_json_reader_init(&r, path, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return false;
	for (;;) {
		if (aps_json_next(&r) != APS_JSON_STRING) return false;
		bool is_key = aps_json_text_is(&r, key.p);
		struct aps_json_reader end = r;
		if (n != 0 && is_key && aps_json_next(&end) == APS_JSON_ARRAY_END) return true;
		if (n + 1 >= page->n_path && n != 0) return false;
		if (!aps_str_eq(r.text, page->path[n])) return false;
		n++;
	}
}

/* Also of an object without a list: the token stands in it. */
static bool is_token_lost(const struct aps_page *page, const struct aps_page_names *names, struct aps_str errors)
{
	struct aps_json_reader r;
	struct aps_json_members members;
	struct aps_str error, path;
	if (errors.n == 0 || names->next_token.n == 0 || page->n_path == 0) return false;
	aps_json_reader_init(&r, errors, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return false;
	while (aps_json_skip_value(&r, &error) == APS_OK) {
		aps_json_members_init(&members, error);
		if (aps_json_members_get(&members, "path", &path) && leads_beside(path, page, names->next_token))
			return true;
	}
	return false;
}

enum aps_rc aps_page_check(const struct aps_page *page, const struct aps_page_names *names,
                           const struct aps_page_duty *duty, struct aps_str errors, struct aps_err *err)
{
	const char *shape = other_shape(page, names, duty);
	if (shape != NULL) return refuse_shape(shape, names, duty, err);
	if (has_null_for_list(page, names, duty, errors)) return refuse_null(names, duty, err);
	if (duty->asks_next && page->token.n > APS_PAGE_MAX_TOKEN_BYTES)
		return aps_fail(err, APS_E_PROTOCOL, "a page's nextToken has %zu bytes; %zu are the most",
		                page->token.n, APS_PAGE_MAX_TOKEN_BYTES);
	if (duty->asks_next && page->has_odd_token)
		return aps_fail(err, APS_E_PROTOCOL,
		                "a page's nextToken is neither a string nor a number nor null: nobody can tell whether "
		                "more pages follow");
	if (duty->asks_next && page->token.n == 0 && is_token_lost(page, names, errors))
		return aps_fail(err, APS_E_PROTOCOL, "an error of the service is in the place of a page's nextToken");
	return APS_OK;
}
