// Writes what Amplify's own generator makes of the schemas here for DataStore: NAME.graphql to NAME.json, what its schema.js
// exports.
//   npm install --ignore-scripts && node generate.js
'use strict';
const fs = require('fs');
const path = require('path');
const { generateModels } = require('@aws-amplify/graphql-generator');

async function generate(file) {
  const schema = fs.readFileSync(file, 'utf8');
  const files = await generateModels({ schema, target: 'javascript', isDataStoreEnabled: true });
  const text = files['models/schema.js'] || files['schema.js'];
  const exported = JSON.parse(/export const schema = (\{[^]*\});/.exec(text)[1]);
  fs.writeFileSync(file.replace(/graphql$/, 'json'), `${JSON.stringify(exported, null, 1)}\n`);
}

async function run() {
  const names = fs.readdirSync(__dirname).filter((name) => name.endsWith('.graphql'));
  for (const name of names) await generate(path.join(__dirname, name));
}

run();
