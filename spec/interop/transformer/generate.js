// Writes what Amplify's own transformer makes of the sample schemas: NAME.source.graphql to NAME.expected.graphql beside it.
// The first lines of a sample say how it is transformed: "# transformer: 2" or 1, "# modes: API_KEY AWS_IAM" (the default
// mode first), "# flags: name=false" (parameters of the transformer), "# conflict: AUTOMERGE Post=LAMBDA" (the handler of all
// models, and of single ones).
//   npm ci --ignore-scripts && node generate.js FOLDER [NAME...]
'use strict';
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const graphql = require('graphql');

const PROVIDERS = {
  API_KEY: { authenticationType: 'API_KEY', apiKeyConfig: { apiKeyExpirationDays: 7 } },
  AWS_IAM: { authenticationType: 'AWS_IAM' },
  AMAZON_COGNITO_USER_POOLS: { authenticationType: 'AMAZON_COGNITO_USER_POOLS', userPoolConfig: { userPoolId: 'pool' } },
  OPENID_CONNECT: {
    authenticationType: 'OPENID_CONNECT',
    openIDConnectConfig: { name: 'oidc', issuerUrl: 'https://issuer.example', clientId: 'client', iatTTL: 1, authTTL: 1 },
  },
  AWS_LAMBDA: { authenticationType: 'AWS_LAMBDA', lambdaAuthorizerConfig: { lambdaFunction: 'authorizer', ttlSeconds: 60 } },
};

// What transform.conf.json has as "ResolverConfig".
function conflicts(words) {
  if (!words) return undefined;
  const config = {};
  for (const word of words.split(/\s+/)) {
    const [handler, model] = word.split('=').reverse();
    const entry = { ConflictDetection: 'VERSION', ConflictHandler: handler };
    if (handler === 'LAMBDA') entry.LambdaConflictHandler = { name: 'handler' };
    if (model) config.models = { ...config.models, [model]: entry };
    else config.project = entry;
  }
  return config;
}

function settings(source) {
  const found = { transformer: '2', modes: 'API_KEY', flags: '', conflict: '' };
  for (const [, key, value] of source.matchAll(/^# (transformer|modes|flags|conflict): (.*)$/gm)) found[key] = value.trim();
  const modes = found.modes.split(/\s+/).map((mode) => PROVIDERS[mode]);
  const flags = {};
  for (const pair of found.flags.split(/\s+/).filter(Boolean)) {
    const [name, value] = pair.split('=');
    flags[name] = value === 'true';
  }
  return { version: found.transformer, flags, resolverConfig: conflicts(found.conflict), authConfig: {
    defaultAuthentication: modes[0], additionalAuthenticationProviders: modes.slice(1),
  } };
}

// What a deployment would know.
const SYNTH = {
  amplifyEnvironmentName: 'NONE', apiName: 'sample', userPoolId: 'pool', authenticatedUserRoleName: 'authenticated',
  unauthenticatedUserRoleName: 'unauthenticated', identityPoolId: 'identities',
};

class Finished extends Error {}

// The second version. The schema is complete before any resolver is made, but what the resolvers can't be made of is refused
// only then: they are made, and what puts them together for a deployment is left out.
function transformV2(source, { authConfig, flags, resolverConfig }) {
  const { constructTransform } = require('@aws-amplify/graphql-transformer');
  const { App, NestedStack, Stack } = require('aws-cdk-lib');
  const core = require('@aws-amplify/graphql-transformer-core');
  const isSandbox = /^\s*input\s+AMPLIFY/m.test(source);
  const transform = constructTransform({
    transformersFactoryArgs: {}, authConfig, resolverConfig, transformParameters: { sandboxModeEnabled: isSandbox, ...flags },
  });
  let sdl;
  const generate = transform.generateGraphQlApi.bind(transform);
  transform.generateGraphQlApi = (stackManager, assets, parameters, output, ...rest) => {
    sdl = output.buildSchema();
    return generate(stackManager, assets, parameters, output, ...rest);
  };
  transform.collectResolvers = () => {
    throw new Finished();
  };
  const scope = new Stack(new App(), 'stack');
  const schema = source.replace(/^\s*input\s+AMPLIFY\s*\{[^}]*\}[^}]*\}/m, '');
  try {
    transform.transform({
      scope, schema, nestedStackProvider: { provide: (parent, name) => new NestedStack(parent, name) },
      assetProvider: { provide: () => ({}) }, synthParameters: SYNTH,
      dataSourceStrategies: core.constructDataSourceStrategies(schema, core.DDB_DEFAULT_DATASOURCE_STRATEGY
        || { dbType: 'DYNAMODB', provisionStrategy: 'DEFAULT' }),
      rdsLayerMapping: undefined, rdsSnsTopicMapping: undefined,
    });
  } catch (error) {
    if (!(error instanceof Finished)) throw error;
  }
  return sdl;
}

// The first version wants Amplify's command line for what it does before a deployment, which isn't asked of it here.
function withoutCommandLine() {
  const Module = require('module');
  const load = Module._load;
  Module._load = (request, ...rest) => (request === '@aws-amplify/amplify-cli-core' ? {} : load(request, ...rest));
}

// Left out, `addAwsIamAuthInOutputSchema` would be undefined, and count as true where an API has IAM.
function transformV1(source, { authConfig, flags, resolverConfig }) {
  withoutCommandLine();
  const { GraphQLTransform } = require('graphql-transformer-core');
  const { DynamoDBModelTransformer } = require('graphql-dynamodb-transformer');
  const { ModelAuthTransformer } = require('graphql-auth-transformer');
  const { KeyTransformer } = require('graphql-key-transformer');
  const { ModelConnectionTransformer } = require('graphql-connection-transformer');
  const { VersionedModelTransformer } = require('graphql-versioned-transformer');
  const { FunctionTransformer } = require('graphql-function-transformer');
  const { SearchableModelTransformer } = require('graphql-elasticsearch-transformer');
  const transform = new GraphQLTransform({
    transformers: [
      new DynamoDBModelTransformer(), new VersionedModelTransformer(), new KeyTransformer(), new ModelConnectionTransformer(),
      new FunctionTransformer(), new SearchableModelTransformer(),
      new ModelAuthTransformer({ authConfig, addAwsIamAuthInOutputSchema: false }),
    ],
    // Version: what transform.conf.json of each project since the end of 2019 says.
    transformConfig: { Version: 5, ...(resolverConfig && { ResolverConfig: resolverConfig }) },
    featureFlags: {
      getBoolean: (name, fallback) => (name in flags ? flags[name] : fallback),
      getNumber: (name, fallback) => fallback, getObject: (name, fallback) => fallback,
    },
  });
  return transform.transform(source).schema;
}

const folder = process.argv[2];
const only = process.argv.slice(3);
for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.source.graphql')).sort()) {
  const name = file.slice(0, -'.source.graphql'.length);
  if (only.length > 0 && !only.includes(name)) continue;
  const source = fs.readFileSync(path.join(folder, file), 'utf8');
  const how = settings(source);
  let text;
  console.warn = () => {};
  try {
    text = (how.version === '1' ? transformV1 : transformV2)(source, how);
    text = graphql.print(graphql.parse(text)).trimEnd() + '\n';
  } catch (error) {
    const lines = [error.message].concat((error.errors || []).map((e) => e.message)).join('\n').split('\n');
    text = lines.map((line) => `# refused: ${line}`.trimEnd()).join('\n') + '\n';
    if (process.env.DEBUG) console.error(error);
  }
  fs.writeFileSync(path.join(folder, `${name}.expected.graphql`), text);
}
