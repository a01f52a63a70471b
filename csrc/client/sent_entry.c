#include "client/sent_entry.h"

#include "base/mem.h"
#include "client/entry_safety.h"
#include "client/known_fields.h"
#include "codec/json_members.h"
#include "codec/json_reader.h"
#include "store/id_map.h"
#include "sync/id_substitute.h"
#include "sync/operation_kind.h"
#include "sync/read_back.h"
#include "sync/record_type.h"
#include "sync/root_fields.h"
#include "sync/same_json.h"
#include "sync/uuid_text.h"

void aps_sent_entry_init(struct aps_sending *sending)
{
	aps_outbox_row_init(&sending->row);
	aps_buf_init(&sending->variables, APS_BUF_ANY_SIZE);
	aps_buf_init(&sending->optimistic, APS_BUF_ANY_SIZE);
	aps_buf_init(&sending->mapped, APS_BUF_ANY_SIZE);
	aps_buf_init(&sending->late, APS_BUF_ANY_SIZE);
	aps_arena_init(&sending->arena, APS_BUF_ANY_SIZE);
	aps_arena_init(&sending->given_arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&sending->headers, &sending->arena);
	aps_queue_extra_read(&sending->extra, APS_STR(""), NULL);
}

static void clear_operations(struct aps_sending *sending)
{
	if (sending->operation.document != NULL) aps_operation_clear(&sending->operation);
	if (sending->question.document != NULL) aps_operation_clear(&sending->question);
}

void aps_sent_entry_clear(struct aps_sending *sending)
{
	clear_operations(sending);
	aps_outbox_row_clear(&sending->row);
	aps_buf_clear(&sending->variables);
	aps_buf_clear(&sending->optimistic);
	aps_buf_clear(&sending->mapped);
	aps_buf_clear(&sending->late);
	aps_queue_extra_clear(&sending->extra);
	aps_arena_clear(&sending->arena);
	aps_arena_clear(&sending->given_arena);
}

/* The id that the service has given in the place of a temporary one. */
struct replacing {
	struct aps_queue *queue;
	int64_t number; /* of the entry */
	struct aps_id_made pair;
	bool has_unmade; /* an earlier one was to make a record, and nobody knows its id */
	struct aps_err *err;
	enum aps_rc rc;
};

static struct aps_str look_up(void *context, struct aps_str id)
{
	struct replacing *in = context;
	if (in->rc == APS_OK)
		in->rc = aps_id_map_find(aps_queue_db(in->queue), in->queue->owner, id, &in->pair, in->err);
	bool is_found = in->rc == APS_OK && in->pair.owner != 0, is_known = is_found && in->pair.is_made;
	if (is_found && !is_known && in->pair.maker < in->number) in->has_unmade = true;
	return is_known ? in->pair.made : (struct aps_str){NULL, 0};
}

static enum aps_rc replace(struct aps_sending *sending, struct aps_str json, struct aps_buf *out, struct aps_err *err)
{
	struct replacing in = {.queue = sending->queue, .number = (int64_t)sending->number, .err = err};
	bool is_changed;
	aps_buf_reset(out);
	if (json.n == 0) return APS_OK;
	aps_id_made_init(&in.pair);
	enum aps_rc rc = aps_id_substitute(json, look_up, &in, out, &is_changed, err);
	aps_id_made_clear(&in.pair);
	sending->names_unmade = sending->names_unmade || in.has_unmade;
	return rc == APS_OK ? in.rc : rc;
}

/* Of a record's key. */
static enum aps_rc replace_in_key(struct aps_sending *sending, struct aps_str *key, struct aps_err *err)
{
	struct replacing in = {.queue = sending->queue, .err = err};
	struct aps_buf text;
	bool is_changed = false;
	struct aps_str id = aps_identity_tail(*key), made = {NULL, 0};
	aps_id_made_init(&in.pair);
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add(&text, key->p, key->n - id.n);
	if (aps_is_uuid(id)) made = look_up(&in, id);
	if (made.p != NULL)
		aps_buf_add_str(&text, made);
	else if (aps_str_starts(id, "{")) /* of several fields */
		(void)aps_id_substitute(id, look_up, &in, &text, &is_changed, err);
	if (made.p != NULL || is_changed) *key = aps_arena_dup(&sending->arena, aps_buf_str(&text));
	if (text.rc != APS_OK && in.rc == APS_OK)
		in.rc = aps_fail(err, APS_E_NOMEM, "Out of memory for a record's key");
	aps_buf_clear(&text);
	aps_id_made_clear(&in.pair);
	return in.rc;
}

static enum aps_rc replace_in_roots(struct aps_sending *sending, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < sending->extra.roots.n_items; i++)
		rc = replace_in_key(sending, &sending->extra.roots.items[i], err);
	if (rc == APS_OK && sending->arena.rc != APS_OK) rc = aps_arena_fail(&sending->arena, "a queued mutation", err);
	return rc;
}

static enum aps_rc init_operation(struct aps_sending *sending, struct aps_err *err)
{
	const struct aps_outbox_entry *entry = &sending->row.entry;
	struct aps_gql_document *document;
	enum aps_rc rc = aps_queue_parse(sending->queue, entry->document, &document, err);
	if (rc != APS_OK) return rc;
	const struct aps_gql_operation *definition = aps_gql_document_find(document, entry->name);
	if (definition == NULL)
		rc = aps_fail(err, APS_E_USAGE, "the queued document has no operation of this name");
	else
		rc = aps_operation_init(&sending->operation, document, definition,
		                        (entry->flags & APS_ENTRY_TYPENAMES) != 0, aps_buf_str(&sending->variables),
		                        err);
	aps_gql_document_unref(document);
	return rc;
}

/* Of a record: the fields by which it is known. */
static enum aps_rc identity_of(struct aps_sending *sending, struct aps_str key, struct aps_identity_field **fields,
                               size_t *n_fields, struct aps_err *err)
{
	const struct aps_policies *policies = sending->queue->partition->policies;
	const struct aps_type_policy *type = aps_policies_find_type(policies, aps_identity_type(key));
	size_t n = type != NULL ? type->n_key_fields : 0;
	enum aps_rc rc = aps_identity_fields_of(key, n != 0 ? type->key_fields : NULL, n, &sending->arena, fields, err);
	*n_fields = n != 0 ? n : 1;
	return rc;
}

static enum aps_rc find_safety(struct aps_sending *sending, struct aps_err *err)
{
	const struct aps_entry_safety question = {
	        .queue = sending->queue,
	        .arena = &sending->arena,
	        .is_idempotent = (sending->row.entry.flags & APS_ENTRY_IDEMPOTENT) != 0,
	        .n_roots = aps_root_fields_count(sending->operation.document, sending->operation.definition),
	        .variables = aps_buf_str(&sending->variables),
	        .made = aps_queue_extra_made_root(&sending->extra),
	};
	return aps_entry_safety_of(&question, &sending->safety, err);
}

/* By its lane, as far as that is known. */
static enum aps_rc find_row(struct aps_sending *sending, struct aps_err *err)
{
	const struct aps_queue *queue = sending->queue;
	struct aps_db *db = aps_queue_db(queue);
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, sending->number);
	int64_t number = (int64_t)sending->number;
	enum aps_rc rc = APS_OK;
	sending->row.entry.id = 0;
	if (item != NULL && queue->owner != 0)
		rc = aps_outbox_find(db, aps_entry_id(queue->owner, (enum aps_entry_mode)item->mode, number),
		                     &sending->row, err);
	if (rc != APS_OK || sending->row.entry.id != 0) return rc;
	return aps_outbox_find_number(db, number, &sending->row, err);
}

enum aps_rc aps_sent_entry_read(struct aps_sending *sending, struct aps_err *err)
{
	struct aps_queue *queue = sending->queue;
	clear_operations(sending);
	aps_arena_reset(&sending->arena);
	aps_header_list_init(&sending->headers, &sending->arena);
	aps_queue_extra_clear(&sending->extra);
	enum aps_rc rc = find_row(sending, err);
	if (rc == APS_OK && sending->row.entry.id == 0)
		rc = aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a queued mutation isn't in the store any more");
	if (rc == APS_OK) rc = aps_queue_extra_read(&sending->extra, sending->row.entry.extra, err);
	if (rc == APS_OK) rc = replace(sending, sending->row.entry.optimistic, &sending->optimistic, err);
	sending->names_unmade = false; /* what is sent counts */
	if (rc == APS_OK) rc = replace(sending, sending->row.entry.variables, &sending->variables, err);
	if (rc == APS_OK) rc = replace_in_roots(sending, err);
	if (rc == APS_OK) rc = init_operation(sending, err);
	if (rc == APS_OK) rc = find_safety(sending, err);
	sending->has_update = aps_number_set_has(&queue->updates, sending->number);
	return rc;
}

enum aps_rc aps_sent_entry_set_headers(struct aps_sending *sending, const struct aps_header_list *headers,
                                       struct aps_err *err)
{
	enum aps_rc rc = aps_queue_extra_add_headers(sending->extra.headers, &sending->headers, err);
	for (size_t i = 0; rc == APS_OK && i < headers->n_items; i++) {
		struct aps_str name = headers->items[i].name;
		bool is_given = false;
		for (size_t k = 0; k < sending->headers.n_items; k++)
			is_given = is_given || aps_str_eq_nocase(sending->headers.items[k].name, name);
		if (!is_given) rc = aps_header_list_add(&sending->headers, name, headers->items[i].value, err);
	}
	return rc;
}

/* "Query.getTodo" is a lookup of Todo where the application has said so. Empty: it hasn't. */
static struct aps_str lookup_of(const struct aps_policies *policies, struct aps_str type)
{
	static const char QUERY[] = "Query.";
	size_t cursor = 0, n_query = sizeof QUERY - 1;
	void *state = NULL, *found;
	struct aps_str name;
	while (aps_map_next(&policies->fields, &cursor, &state, &name, &found)) {
		const struct aps_field_policy *policy = found;
		bool is_of_query = name.n > n_query && memcmp(name.p, QUERY, n_query) == 0;
		if (is_of_query && aps_str_eq(policy->lookup, type))
			return (struct aps_str){name.p + n_query, name.n - n_query};
	}
	return APS_STR("");
}

static bool is_scalar(struct aps_str json)
{
	return json.n != 0 && json.p[0] != '{' && json.p[0] != '[' && !aps_str_is(json, "null");
}

/* A record's key has a number as text: what is sent tells which it is. It may be about another record by now, as it may
 * have been edited; then the one of the optimistic response tells nothing. */
static enum aps_rc compare_with_sent(const struct aps_sending *sending, struct aps_identity_field *fields, size_t n,
                                     struct aps_err *err)
{
	struct aps_str variables = aps_buf_str(&sending->variables), value;
	struct aps_json_members input, all;
	for (size_t i = 0; i < n; i++) {
		size_t budget = APS_SAME_JSON_BYTES;
		aps_json_members_init(&input, aps_safety_input(variables));
		aps_json_members_init(&all, variables);
		bool is_sent = (aps_json_members_named(&input, fields[i].name, &value) && is_scalar(value)) ||
		               (aps_json_members_named(&all, fields[i].name, &value) && is_scalar(value));
		if (!is_sent) continue;
		if (aps_same_json(value, fields[i].value, &budget) != APS_SAME_JSON_YES)
			return aps_fail(err, APS_E_USAGE,
			                "the mutation is about another record than its optimistic response");
		fields[i].value = value;
	}
	return APS_OK;
}

/* The value of an id in the mutation's input, for one whose optimistic response says no record. */
static enum aps_rc identity_in_input(struct aps_sending *sending, struct aps_identity_field **fields, size_t *n,
                                     struct aps_err *err)
{
	struct aps_identity_field *field = aps_arena_get(&sending->arena, sizeof *field);
	struct aps_json_members input;
	aps_json_members_init(&input, aps_safety_input(aps_buf_str(&sending->variables)));
	if (field == NULL) return aps_arena_fail(&sending->arena, "a queued mutation", err);
	field->name = APS_STR("id");
	*fields = field;
	*n = 1;
	if (aps_json_members_get(&input, "id", &field->value)) return APS_OK;
	return aps_fail(err, APS_E_USAGE, "the mutation doesn't say which record it is about");
}

static enum aps_rc find_record(struct aps_sending *sending, const struct aps_gql_node *root, struct aps_str *type,
                               struct aps_read_back *of, struct aps_err *err)
{
	struct aps_identity_field *fields = NULL;
	struct aps_str optimistic = aps_buf_str(&sending->optimistic);
	enum aps_rc rc = aps_record_type_of(optimistic, root, &sending->arena, type, err);
	if (rc == APS_OK && type->n == 0) rc = aps_fail(err, APS_E_USAGE, "the type of the record isn't known");
	if (rc == APS_OK && sending->extra.roots.n_items != 0)
		rc = identity_of(sending, sending->extra.roots.items[0], &fields, &of->n_identity, err);
	else if (rc == APS_OK)
		rc = identity_in_input(sending, &fields, &of->n_identity, err);
	if (rc == APS_OK) rc = compare_with_sent(sending, fields, of->n_identity, err);
	of->identity = fields;
	of->type = *type;
	return rc;
}

/* "Todo:1" */
static enum aps_rc write_key(struct aps_sending *sending, struct aps_str type, struct aps_str id, struct aps_str *key,
                             struct aps_err *err)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, id, 0);
	enum aps_json_token token = aps_json_next(&r);
	struct aps_str tail = token == APS_JSON_STRING ? aps_json_unescape(&r, &sending->arena) : id;
	char *text = aps_arena_get(&sending->arena, type.n + 1 + tail.n);
	if (text == NULL || tail.p == NULL) return aps_arena_fail(&sending->arena, "a queued mutation", err);
	memcpy(text, type.p, type.n);
	text[type.n] = ':';
	memcpy(text + type.n + 1, tail.p, tail.n);
	*key = (struct aps_str){text, type.n + 1 + tail.n};
	return APS_OK;
}

enum aps_rc aps_sent_entry_key(struct aps_sending *sending, struct aps_str *key, struct aps_err *err)
{
	const struct aps_gql_node *root;
	struct aps_str type;
	struct aps_read_back of = {.identity = NULL};
	const struct aps_operation *operation = &sending->operation;
	*key = sending->extra.roots.n_items != 0 ? sending->extra.roots.items[0] : APS_STR("");
	if (key->n != 0) return APS_OK;
	enum aps_rc rc = aps_read_back_root(operation->document, operation->definition, APS_STR(""), &root, err);
	if (rc != APS_OK || root == NULL) return rc;
	rc = find_record(sending, root, &type, &of, err);
	if (rc != APS_OK) return rc == APS_E_USAGE ? APS_OK : rc;
	const struct aps_type_policy *policy = aps_policies_find_type(sending->queue->partition->policies, type);
	bool has_own_keys = policy != NULL && policy->n_key_fields != 0;
	return has_own_keys ? APS_OK : write_key(sending, type, of.identity[0].value, key, err);
}

static enum aps_rc init_question(struct aps_sending *sending, struct aps_str text, struct aps_str variables,
                                 struct aps_err *err)
{
	struct aps_gql_document *document;
	enum aps_rc rc = aps_gql_document_new(text, &document, NULL, err);
	if (rc != APS_OK) return rc;
	const struct aps_gql_operation *definition = aps_gql_document_find(document, APS_STR(""));
	rc = aps_operation_init(&sending->question, document, definition, true, variables, err);
	aps_gql_document_unref(document);
	return rc;
}

/* What is sent and not selected is asked for as well, where it is known that the record has it: who wrote the next
 * version may have written some of the same values. */
static enum aps_rc find_sent(struct aps_sending *sending, struct aps_known_fields *fields, struct aps_err *err)
{
	struct aps_str key, input = aps_safety_input(aps_buf_str(&sending->variables));
	fields->n = 0;
	if (!sending->safety.has_version) return APS_OK;
	enum aps_rc rc = aps_sent_entry_key(sending, &key, err);
	if (rc != APS_OK || key.n == 0) return rc;
	return aps_known_fields_among(sending->queue->partition, key, input, &sending->arena, fields, err);
}

enum aps_rc aps_sent_entry_ask(struct aps_sending *sending, struct aps_err *err)
{
	const struct aps_gql_node *root;
	struct aps_str type, fields[2] = {APS_STR("id"), APS_STR("")};
	struct aps_known_fields sent;
	struct aps_buf text, needed;
	struct aps_read_back of = {
	        .document = sending->operation.document, .operation = sending->operation.definition, .fields = fields};
	enum aps_rc rc = aps_read_back_root(of.document, of.operation, APS_STR(""), &root, err);
	if (rc == APS_OK && root == NULL) rc = aps_fail(err, APS_E_USAGE, "the mutation has several root fields");
	if (rc == APS_OK) rc = find_record(sending, root, &type, &of, err);
	if (rc != APS_OK) return rc;
	sending->n_asked = of.n_identity;
	sending->asked = aps_entry_identity_parts(&sending->arena, of.identity, of.n_identity);
	if (sending->asked == NULL) return aps_arena_fail(&sending->arena, "a queued mutation", err);
	bool has_own_keys = of.n_identity != 1 || !aps_str_is(of.identity[0].name, "id");
	if (has_own_keys) of.fields++;
	of.n_fields = has_own_keys ? 0 : 1;
	if (sending->safety.has_version) fields[1] = aps_str_of(sending->safety.version_field);
	if (sending->safety.has_version) of.n_fields++;
	of.query_field = lookup_of(sending->queue->partition->policies, type);
	if (find_sent(sending, &sent, err) != APS_OK) return err->code;
	of.wanted = sent.names;
	of.n_wanted = sent.n;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&needed, APS_BUF_ANY_SIZE);
	rc = aps_read_back_write(&of, aps_buf_str(&sending->variables), &text, &needed, err);
	if (rc == APS_OK)
		rc = aps_read_back_disguised(&of, &sending->arena, &sending->disguised, &sending->n_disguised, err);
	if (rc == APS_OK) rc = init_question(sending, aps_buf_str(&text), aps_buf_str(&needed), err);
	aps_buf_clear(&text);
	aps_buf_clear(&needed);
	return rc;
}

/* Of its one root field. One that is null beside an error may be there all the same: what stands below it can take it
 * along (GraphQL, October 2021, 6.4.4). */
struct aps_str aps_sent_entry_record(const struct aps_sending *sending)
{
	struct aps_json_reader r;
	struct aps_str key = sending->question.definition->root_fields[0], value, record = {NULL, 0};
	aps_json_reader_init(&r, sending->outcome.response.data, 0);
	if (sending->outcome.response.data.n == 0 || aps_json_next(&r) != APS_JSON_OBJECT) return record;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		bool is_record = aps_str_eq(r.text, key);
		if (aps_json_skip_value(&r, &value) == APS_OK && is_record) record = value;
	}
	bool is_hidden = sending->outcome.response.errors.n != 0 && aps_str_is(record, "null");
	return is_hidden ? (struct aps_str){NULL, 0} : record;
}

static const struct aps_operation *asked_of(const struct aps_sending *sending)
{
	return sending->is_look ? &sending->question : &sending->operation;
}

/* The next root field of the answer's data; what tells the name of the root's type is none. */
static bool next_root(const struct aps_operation *operation, struct aps_json_reader *r, struct aps_str *value)
{
	while (aps_json_next(r) == APS_JSON_KEY) {
		bool is_field = !aps_root_fields_tells_type(operation->document, operation->definition, r->text);
		if (aps_json_skip_value(r, value) == APS_OK && is_field) return true;
	}
	return false;
}

static bool begin_roots(const struct aps_sending *sending, struct aps_json_reader *r)
{
	aps_json_reader_init(r, sending->outcome.response.data, 0);
	return sending->outcome.response.data.n != 0 && aps_json_next(r) == APS_JSON_OBJECT;
}

bool aps_sent_entry_has_value(const struct aps_sending *sending)
{
	const struct aps_operation *operation = asked_of(sending);
	struct aps_json_reader r;
	struct aps_str value;
	if (!sending->outcome.response.has_value || !begin_roots(sending, &r)) return false;
	while (next_root(operation, &r, &value))
		if (!aps_str_is(value, "null")) return true;
	return false;
}

/* The answer has those that were executed: a field under `@skip` may not be. */
unsigned aps_sent_entry_count_roots(const struct aps_sending *sending)
{
	const struct aps_operation *operation = asked_of(sending);
	struct aps_json_reader r;
	struct aps_str value;
	unsigned n = 0;
	if (begin_roots(sending, &r))
		while (next_root(operation, &r, &value)) n++;
	return n != 0 ? n : aps_root_fields_count(operation->document, operation->definition);
}

bool aps_sent_entry_answer_version(const struct aps_sending *sending, int64_t *version)
{
	struct aps_json_reader data;
	struct aps_json_members record;
	struct aps_str span = {NULL, 0}, other, value;
	bool has_root = sending->safety.has_version && begin_roots(sending, &data) &&
	                next_root(&sending->operation, &data, &span) && span.p[0] == '{';
	if (!has_root || next_root(&sending->operation, &data, &other)) return false;
	aps_json_members_init(&record, span);
	if (!aps_json_members_get(&record, sending->safety.version_field, &value)) return false;
	aps_json_reader_init(&data, value, 0);
	bool is_integer = aps_json_next(&data) == APS_JSON_INT;
	*version = data.integer;
	return is_integer;
}

/* The first one that an error has. */
struct aps_str aps_sent_entry_error_record(const struct aps_sending *sending)
{
	struct aps_str errors = sending->outcome.response.errors, span, record;
	struct aps_json_reader r;
	struct aps_json_members members;
	aps_json_reader_init(&r, errors, 0);
	if (errors.n == 0 || aps_json_next(&r) != APS_JSON_ARRAY) return (struct aps_str){NULL, 0};
	while (aps_json_skip_value(&r, &span) == APS_OK) {
		aps_json_members_init(&members, span);
		if (aps_json_members_get(&members, "data", &record) && record.n != 0 && record.p[0] == '{')
			return record;
	}
	return (struct aps_str){NULL, 0};
}

static bool deletes(const struct aps_sending *sending)
{
	const struct aps_gql_node *root;
	struct aps_err err;
	const struct aps_operation *operation = &sending->operation;
	enum aps_rc rc = aps_read_back_root(operation->document, operation->definition, APS_STR(""), &root, &err);
	return rc == APS_OK && root != NULL && aps_operation_kind_of(root->name, NULL) == APS_OPERATION_REMOVE;
}

enum aps_in_doubt aps_sent_entry_judge(const struct aps_sending *sending)
{
	const struct aps_in_doubt_question question = {
	        .safety = &sending->safety,
	        .is_delete = deletes(sending),
	        .variables = aps_buf_str(&sending->variables),
	        .identity = sending->asked,
	        .n_identity = sending->n_asked,
	        .disguised = sending->disguised,
	        .n_disguised = sending->n_disguised,
	        .is_read = sending->record.n != 0,
	        .record = sending->record,
	        .has_errors = sending->outcome.response.errors.n != 0,
	};
	return aps_in_doubt_judge(&question);
}

bool aps_sent_entry_keep(struct aps_sending *sending, void (*written)(struct aps_core *core, struct aps_parked *parked))
{
	struct aps_queue *queue = sending->queue;
	const struct aps_gqlhttp_response *response = &sending->outcome.response;
	if ((sending->row.entry.flags & APS_ENTRY_UNCACHED) != 0 || response->data.n == 0) return true;
	sending->parked = (struct aps_parked){
	        .operation = sending->is_look ? &sending->question : &sending->operation,
	        .data = response->data,
	        .errors = response->errors,
	        .layer = (sending->row.entry.flags & APS_ENTRY_LAYER) != 0 ? sending->number : 0,
	        .is_of_queue = true,
	        .mapped = &sending->mapped,
	        .written = written,
	};
	return aps_caching_write(queue->core, queue->client, queue->cache, &sending->parked);
}
