// modelIntrospection as Amplify's code generator writes it into amplify_outputs.json, from a short form by hand.
'use strict';

const CONNECTIONS = {
	hasMany: (to, fields) => ({ connectionType: 'HAS_MANY', associatedWith: fields, to }),
	hasOne: (to, fields) => ({ connectionType: 'HAS_ONE', associatedWith: fields, targetNames: [], to }),
	belongsTo: (to, fields) => ({ connectionType: 'BELONGS_TO', targetNames: fields, to }),
};

// "String!", "[Int]", or {hasMany: "Comment", fields: ["postId"]}.
function field(name, form, enums) {
	if (typeof form === 'object') {
		const [kind] = Object.keys(form);
		const { to, ...association } = CONNECTIONS[kind](form[kind], form.fields);
		const isArray = kind === 'hasMany';
		return { name, isArray, type: { model: to }, isRequired: false, attributes: [], isArrayNullable: isArray, association };
	}
	const [, list, word, isRequired] = /^(\[?)(\w+)\]?(!?)$/.exec(form);
	return { name, isArray: list === '[', type: enums[word] ? { enum: word } : word, isRequired: isRequired === '!', attributes: [] };
}

/** models: {Name: {plural, key: ["id"], indexes: [{name, queryField, fields}], fields: {name: form}}}; enums: {Name: [values]} */
function introspection({ models, enums = {} }) {
	const result = { version: 1, models: {}, enums: {}, nonModels: {} };
	for (const [name, values] of Object.entries(enums)) result.enums[name] = { name, values };
	for (const [name, { plural, key = ['id'], indexes = [], fields }] of Object.entries(models)) {
		const attributes = [{ type: 'model', properties: {} }];
		const isCustomPrimaryKey = key.length > 1 || key[0] !== 'id';
		if (isCustomPrimaryKey) attributes.push({ type: 'key', properties: { fields: key } });
		for (const properties of indexes) attributes.push({ type: 'key', properties });
		const all = { ...fields, createdAt: 'AWSDateTime', updatedAt: 'AWSDateTime' };
		result.models[name] = {
			name, pluralName: plural, syncable: true, attributes,
			fields: Object.fromEntries(Object.entries(all).map(([one, form]) => [one, field(one, form, enums)])),
			primaryKeyInfo: { isCustomPrimaryKey, primaryKeyFieldName: key[0], sortKeyFieldNames: key.slice(1) },
		};
	}
	return result;
}

module.exports = { introspection };
