#include "store/outbox_entry.h"

#include "store/entry_id.h"

void aps_outbox_entry_sum(struct aps_row_sum *sum, const struct aps_outbox_entry *entry)
{
	aps_row_sum_add_int(sum, (uint64_t)aps_entry_id_of(entry->id, 0));
	aps_row_sum_add_int(sum, (uint64_t)entry->created_ms);
	aps_row_sum_add_int(sum, (uint64_t)entry->flags);
	aps_row_sum_add(sum, entry->document);
	aps_row_sum_add(sum, entry->name);
	aps_row_sum_add(sum, entry->variables);
	aps_row_sum_add(sum, entry->optimistic);
	aps_row_sum_add(sum, entry->extra);
}

void aps_outbox_entry_bind(struct aps_query *query, const struct aps_outbox_entry *entry)
{
	aps_query_int(query, entry->id);
	aps_query_int(query, entry->created_ms);
	aps_query_int(query, entry->flags);
	aps_query_text(query, entry->document);
	aps_query_text(query, entry->name);
	aps_query_text(query, entry->variables);
	aps_query_text(query, entry->optimistic);
	aps_query_text(query, entry->extra);
}

void aps_outbox_entry_take(struct aps_row_texts *texts, int column, struct aps_outbox_entry *entry)
{
	entry->id = aps_stmt_column_int(texts->stmt, column);
	entry->created_ms = aps_stmt_column_int(texts->stmt, column + 1);
	entry->flags = aps_stmt_column_int(texts->stmt, column + 2);
	aps_row_texts_add(texts, column + 3, &entry->document);
	aps_row_texts_add(texts, column + 4, &entry->name);
	aps_row_texts_add(texts, column + 5, &entry->variables);
	aps_row_texts_add(texts, column + 6, &entry->optimistic);
	aps_row_texts_add(texts, column + 7, &entry->extra);
}
