// Writes what Amplify's own generator makes of the schemas here for DataStore: NAME.graphql to NAME.json, what its schema.js
// exports. One whose first line is "# transformer: 1" is for the first transformer.
//   npm install --ignore-scripts && node generate.js
'use strict';
const fs = require('fs');
const path = require('path');
const { V1Directives } = require('@aws-amplify/graphql-directives');
const { generateModels } = require('@aws-amplify/graphql-generator');

const FIRST = {
  transformerVersion: 1, useExperimentalPipelinedTransformer: false, respectPrimaryKeyAttributesOnConnectionField: false,
  directives: V1Directives.map(({ definition }) => definition).join('\n'),
};

async function generate(file) {
  const schema = fs.readFileSync(file, 'utf8');
  const options = schema.startsWith('# transformer: 1\n') ? FIRST : {};
  const files = await generateModels({ schema, target: 'javascript', isDataStoreEnabled: true, ...options });
  const text = files['models/schema.js'] || files['schema.js'];
  const exported = JSON.parse(/export const schema = (\{[^]*\});/.exec(text)[1]);
  fs.writeFileSync(file.replace(/graphql$/, 'json'), `${JSON.stringify(exported, null, 1)}\n`);
}

async function run() {
  const names = fs.readdirSync(__dirname).filter((name) => name.endsWith('.graphql'));
  for (const name of names) await generate(path.join(__dirname, name));
}

run();
