// The peer of the server rows: graphql-js's plain `graphql()` behind node:http, the data in a Map, and WebSocket subscribers
// (graphql-transport-ws, as much of it as the load generator speaks) that get each create in their own selection.
// usage: node graphql_js.js SCHEMA.graphql PORT; prints the port.
'use strict';
const fs = require('fs');
const http = require('http');
const { buildSchema, execute, graphql, parse } = require('graphql');
const { WebSocketServer } = require('ws');

const schema = buildSchema(fs.readFileSync(process.argv[2], 'utf8'), { assumeValidSDL: true });
const posts = new Map();
const subscribers = new Set();

async function publish(post) {
  for (const { socket, id, document } of subscribers) {
    const payload = await execute({ schema, document, rootValue: { onCreatePost: post } });
    socket.send(JSON.stringify({ type: 'next', id, payload }));
  }
}

const rootValue = {
  getPost: ({ id }) => posts.get(id) ?? null,
  listPosts({ limit = 100 }) {
    const items = [];
    for (const post of posts.values()) {
      if (items.length === limit) break;
      items.push(post);
    }
    return { items, nextToken: items.length === limit ? String(limit) : null };
  },
  createPost({ input }) {
    if (posts.has(input.id)) throw new Error('The conditional request failed');
    const now = new Date().toISOString();
    const post = { __typename: 'Post', createdAt: now, updatedAt: now, ...input };
    posts.set(post.id, post);
    publish(post);
    return post;
  },
};

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    if (request.headers['x-api-key'] !== 'da2-bench') return response.writeHead(401).end();
    const { query, variables, operationName } = JSON.parse(Buffer.concat(parts).toString());
    const result = await graphql({ schema, source: query, rootValue, variableValues: variables, operationName });
    const body = JSON.stringify(result);
    response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});

new WebSocketServer({ server, handleProtocols: () => 'graphql-transport-ws' }).on('connection', (socket) => {
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (message.type === 'subscribe') subscribers.add({ socket, id: message.id, document: parse(message.payload.query) });
  });
});
server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => console.log(server.address().port));
