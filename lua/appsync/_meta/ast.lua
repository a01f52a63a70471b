---@meta appsync.core.ast
-- The syntax tree of `core.parse`: GraphQL, October 2021 edition. The kinds are those of graphql-js; names are plain strings.
-- Every node has `kind` and `loc`. List members are always present, empty where the text has none. Fields marked `?` are
-- nil where the text has none. `core.print` needs no `loc` and takes missing lists for empty ones.

---@class appsync.ast.Loc
---@field line integer from 1
---@field column integer from 1, in code points

---@class appsync.ast.Node
---@field kind string
---@field loc appsync.ast.Loc where its first token stands; for a definition with a description, the description

---@class appsync.ast.Document: appsync.ast.Node
---@field kind "Document"
---@field definitions appsync.ast.Definition[] at least one

---@alias appsync.ast.Definition
---| appsync.ast.OperationDefinition
---| appsync.ast.FragmentDefinition
---| appsync.ast.SchemaDefinition
---| appsync.ast.ScalarTypeDefinition
---| appsync.ast.ObjectTypeDefinition
---| appsync.ast.InterfaceTypeDefinition
---| appsync.ast.UnionTypeDefinition
---| appsync.ast.EnumTypeDefinition
---| appsync.ast.InputObjectTypeDefinition
---| appsync.ast.DirectiveDefinition

-- Executable ---------------------------------------------------------------------------------------------------------

---@class appsync.ast.OperationDefinition: appsync.ast.Node
---@field kind "OperationDefinition"
---@field operation "query"|"mutation"|"subscription"
---@field name? string
---@field variableDefinitions appsync.ast.VariableDefinition[]
---@field directives appsync.ast.Directive[]
---@field selectionSet appsync.ast.Selection[] at least one

---@class appsync.ast.VariableDefinition: appsync.ast.Node
---@field kind "VariableDefinition"
---@field variable string without `$`
---@field type appsync.ast.Type
---@field defaultValue? appsync.ast.Value
---@field directives appsync.ast.Directive[]

---@alias appsync.ast.Selection appsync.ast.Field|appsync.ast.FragmentSpread|appsync.ast.InlineFragment

---@class appsync.ast.Field: appsync.ast.Node
---@field kind "Field"
---@field alias? string
---@field name string
---@field arguments appsync.ast.Argument[]
---@field directives appsync.ast.Directive[]
---@field selectionSet? appsync.ast.Selection[] nil for a leaf

---@class appsync.ast.Argument: appsync.ast.Node
---@field kind "Argument"
---@field name string
---@field value appsync.ast.Value

---@class appsync.ast.FragmentSpread: appsync.ast.Node
---@field kind "FragmentSpread"
---@field name string
---@field directives appsync.ast.Directive[]

---@class appsync.ast.InlineFragment: appsync.ast.Node
---@field kind "InlineFragment"
---@field typeCondition? string name of the type
---@field directives appsync.ast.Directive[]
---@field selectionSet appsync.ast.Selection[]

---@class appsync.ast.FragmentDefinition: appsync.ast.Node
---@field kind "FragmentDefinition"
---@field name string
---@field typeCondition string name of the type
---@field directives appsync.ast.Directive[]
---@field selectionSet appsync.ast.Selection[]

---@class appsync.ast.Directive: appsync.ast.Node
---@field kind "Directive"
---@field name string without `@`
---@field arguments appsync.ast.Argument[]

-- Values -------------------------------------------------------------------------------------------------------------

---@alias appsync.ast.Value
---| appsync.ast.Variable
---| appsync.ast.IntValue
---| appsync.ast.FloatValue
---| appsync.ast.StringValue
---| appsync.ast.BooleanValue
---| appsync.ast.NullValue
---| appsync.ast.EnumValue
---| appsync.ast.ListValue
---| appsync.ast.ObjectValue

---@class appsync.ast.Variable: appsync.ast.Node
---@field kind "Variable"
---@field name string without `$`

---@class appsync.ast.IntValue: appsync.ast.Node
---@field kind "IntValue"
---@field value string its text

---@class appsync.ast.FloatValue: appsync.ast.Node
---@field kind "FloatValue"
---@field value string its text

---@class appsync.ast.StringValue: appsync.ast.Node
---@field kind "StringValue"
---@field value string escapes and block indentation resolved
---@field block boolean written with three quotes

---@class appsync.ast.BooleanValue: appsync.ast.Node
---@field kind "BooleanValue"
---@field value boolean

---@class appsync.ast.NullValue: appsync.ast.Node
---@field kind "NullValue"

---@class appsync.ast.EnumValue: appsync.ast.Node
---@field kind "EnumValue"
---@field value string

---@class appsync.ast.ListValue: appsync.ast.Node
---@field kind "ListValue"
---@field values appsync.ast.Value[]

---@class appsync.ast.ObjectValue: appsync.ast.Node
---@field kind "ObjectValue"
---@field fields appsync.ast.ObjectField[]

---@class appsync.ast.ObjectField: appsync.ast.Node
---@field kind "ObjectField"
---@field name string
---@field value appsync.ast.Value

-- Types --------------------------------------------------------------------------------------------------------------

---@alias appsync.ast.Type appsync.ast.NamedType|appsync.ast.ListType|appsync.ast.NonNullType

---@class appsync.ast.NamedType: appsync.ast.Node
---@field kind "NamedType"
---@field name string

---@class appsync.ast.ListType: appsync.ast.Node
---@field kind "ListType"
---@field type appsync.ast.Type

---@class appsync.ast.NonNullType: appsync.ast.Node
---@field kind "NonNullType"
---@field type appsync.ast.NamedType|appsync.ast.ListType

-- Type system. The extension kinds have the same members without a description ---------------------------------------

---@class appsync.ast.SchemaDefinition: appsync.ast.Node
---@field kind "SchemaDefinition"|"SchemaExtension"
---@field description? appsync.ast.StringValue
---@field directives appsync.ast.Directive[]
---@field operationTypes appsync.ast.OperationTypeDefinition[]

---@class appsync.ast.OperationTypeDefinition: appsync.ast.Node
---@field kind "OperationTypeDefinition"
---@field operation "query"|"mutation"|"subscription"
---@field type string name of the type

---@class appsync.ast.ScalarTypeDefinition: appsync.ast.Node
---@field kind "ScalarTypeDefinition"|"ScalarTypeExtension"
---@field description? appsync.ast.StringValue
---@field name string
---@field directives appsync.ast.Directive[]

---@class appsync.ast.ObjectTypeDefinition: appsync.ast.Node
---@field kind "ObjectTypeDefinition"|"ObjectTypeExtension"
---@field description? appsync.ast.StringValue
---@field name string
---@field interfaces string[]
---@field directives appsync.ast.Directive[]
---@field fields appsync.ast.FieldDefinition[]

---@class appsync.ast.InterfaceTypeDefinition: appsync.ast.Node
---@field kind "InterfaceTypeDefinition"|"InterfaceTypeExtension"
---@field description? appsync.ast.StringValue
---@field name string
---@field interfaces string[]
---@field directives appsync.ast.Directive[]
---@field fields appsync.ast.FieldDefinition[]

---@class appsync.ast.FieldDefinition: appsync.ast.Node
---@field kind "FieldDefinition"
---@field description? appsync.ast.StringValue
---@field name string
---@field arguments appsync.ast.InputValueDefinition[]
---@field type appsync.ast.Type
---@field directives appsync.ast.Directive[]

---@class appsync.ast.InputValueDefinition: appsync.ast.Node
---@field kind "InputValueDefinition"
---@field description? appsync.ast.StringValue
---@field name string
---@field type appsync.ast.Type
---@field defaultValue? appsync.ast.Value
---@field directives appsync.ast.Directive[]

---@class appsync.ast.UnionTypeDefinition: appsync.ast.Node
---@field kind "UnionTypeDefinition"|"UnionTypeExtension"
---@field description? appsync.ast.StringValue
---@field name string
---@field directives appsync.ast.Directive[]
---@field types string[]

---@class appsync.ast.EnumTypeDefinition: appsync.ast.Node
---@field kind "EnumTypeDefinition"|"EnumTypeExtension"
---@field description? appsync.ast.StringValue
---@field name string
---@field directives appsync.ast.Directive[]
---@field values appsync.ast.EnumValueDefinition[]

---@class appsync.ast.EnumValueDefinition: appsync.ast.Node
---@field kind "EnumValueDefinition"
---@field description? appsync.ast.StringValue
---@field name string
---@field directives appsync.ast.Directive[]

---@class appsync.ast.InputObjectTypeDefinition: appsync.ast.Node
---@field kind "InputObjectTypeDefinition"|"InputObjectTypeExtension"
---@field description? appsync.ast.StringValue
---@field name string
---@field directives appsync.ast.Directive[]
---@field fields appsync.ast.InputValueDefinition[]

---@class appsync.ast.DirectiveDefinition: appsync.ast.Node
---@field kind "DirectiveDefinition"
---@field description? appsync.ast.StringValue
---@field name string without `@`
---@field arguments appsync.ast.InputValueDefinition[]
---@field repeatable boolean
---@field locations string[]
