/* The syntax tree: one kind of node for the whole language, in an arena. The parser builds it, nothing changes it after
 * the checks of a document. Strings point into the parsed text, or into the arena where escapes were resolved. */
#ifndef APS_GQL_AST_H
#define APS_GQL_AST_H

#include "base/arena.h"
#include "gql/place.h"

#include <stdbool.h>

/* X(name, the kind's name in graphql-js). Order matters: a definition stands APS_GQL_TO_EXTENSION before its extension.
 */
#define APS_GQL_KIND_MAP(X)                                                                                            \
	X(DOCUMENT, "Document")                                                                                        \
	X(OPERATION_DEFINITION, "OperationDefinition")                                                                 \
	X(FRAGMENT_DEFINITION, "FragmentDefinition")                                                                   \
	X(VARIABLE_DEFINITION, "VariableDefinition")                                                                   \
	X(FIELD, "Field")                                                                                              \
	X(FRAGMENT_SPREAD, "FragmentSpread")                                                                           \
	X(INLINE_FRAGMENT, "InlineFragment")                                                                           \
	X(ARGUMENT, "Argument")                                                                                        \
	X(DIRECTIVE, "Directive")                                                                                      \
	X(VARIABLE, "Variable")                                                                                        \
	X(INT_VALUE, "IntValue")                                                                                       \
	X(FLOAT_VALUE, "FloatValue")                                                                                   \
	X(STRING_VALUE, "StringValue")                                                                                 \
	X(BOOLEAN_VALUE, "BooleanValue")                                                                               \
	X(NULL_VALUE, "NullValue")                                                                                     \
	X(ENUM_VALUE, "EnumValue")                                                                                     \
	X(LIST_VALUE, "ListValue")                                                                                     \
	X(OBJECT_VALUE, "ObjectValue")                                                                                 \
	X(OBJECT_FIELD, "ObjectField")                                                                                 \
	X(NAMED_TYPE, "NamedType")                                                                                     \
	X(LIST_TYPE, "ListType")                                                                                       \
	X(NON_NULL_TYPE, "NonNullType")                                                                                \
	X(NAME, "Name")                                                                                                \
	X(OPERATION_TYPE_DEFINITION, "OperationTypeDefinition")                                                        \
	X(FIELD_DEFINITION, "FieldDefinition")                                                                         \
	X(INPUT_VALUE_DEFINITION, "InputValueDefinition")                                                              \
	X(ENUM_VALUE_DEFINITION, "EnumValueDefinition")                                                                \
	X(DIRECTIVE_DEFINITION, "DirectiveDefinition")                                                                 \
	X(SCHEMA_DEFINITION, "SchemaDefinition")                                                                       \
	X(SCALAR_TYPE_DEFINITION, "ScalarTypeDefinition")                                                              \
	X(OBJECT_TYPE_DEFINITION, "ObjectTypeDefinition")                                                              \
	X(INTERFACE_TYPE_DEFINITION, "InterfaceTypeDefinition")                                                        \
	X(UNION_TYPE_DEFINITION, "UnionTypeDefinition")                                                                \
	X(ENUM_TYPE_DEFINITION, "EnumTypeDefinition")                                                                  \
	X(INPUT_OBJECT_TYPE_DEFINITION, "InputObjectTypeDefinition")                                                   \
	X(SCHEMA_EXTENSION, "SchemaExtension")                                                                         \
	X(SCALAR_TYPE_EXTENSION, "ScalarTypeExtension")                                                                \
	X(OBJECT_TYPE_EXTENSION, "ObjectTypeExtension")                                                                \
	X(INTERFACE_TYPE_EXTENSION, "InterfaceTypeExtension")                                                          \
	X(UNION_TYPE_EXTENSION, "UnionTypeExtension")                                                                  \
	X(ENUM_TYPE_EXTENSION, "EnumTypeExtension")                                                                    \
	X(INPUT_OBJECT_TYPE_EXTENSION, "InputObjectTypeExtension")

enum aps_gql_kind {
#define APS_GQL_KIND_ENUM(name, text) APS_GQL_##name,
	APS_GQL_KIND_MAP(APS_GQL_KIND_ENUM)
#undef APS_GQL_KIND_ENUM
	        APS_GQL_KIND_COUNT
};

#define APS_GQL_TO_EXTENSION (APS_GQL_SCHEMA_EXTENSION - APS_GQL_SCHEMA_DEFINITION)

/* What a kind doesn't use is empty. Lists are linked by `next`. */
struct aps_gql_node {
	enum aps_gql_kind kind;
	struct aps_gql_place place;
	bool is_true;        /* BooleanValue: its value; StringValue: block; DirectiveDefinition: repeatable */
	bool is_root;        /* its selection set is a root one, see typenames.h */
	struct aps_str name; /* the name; of an OperationTypeDefinition the type's */
	struct aps_str text; /* alias, type condition, operation word, text or value of a literal */
	struct aps_gql_node *next;
	struct aps_gql_node *type;
	struct aps_gql_node *value; /* value or default value */
	struct aps_gql_node *description;
	struct aps_gql_node *arguments; /* arguments, argument definitions, variable definitions */
	struct aps_gql_node *directives;
	struct aps_gql_node *interfaces; /* of kind Name */
	struct aps_gql_node *items;      /* definitions, selections, fields, values, union types, directive locations */
};

APS_BEGIN_DECLS

const char *aps_gql_kind_name(enum aps_gql_kind kind);
/* False when no kind has this name. */
bool aps_gql_kind_find(struct aps_str name, enum aps_gql_kind *kind);
/* The key of a Field in the response. */
struct aps_str aps_gql_response_key(const struct aps_gql_node *field);
/* For qsort() of pointers to nodes: by name, then by place. */
int aps_gql_compare_names(const void *a, const void *b);

APS_END_DECLS

#endif
