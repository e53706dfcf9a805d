import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TLSSocket } from 'node:tls';
import { bundleFunction } from '../../../deploy/bundle';
import { selfSignedCertificate } from '../../self-signed-certificate';

/*
 * A deployed function in a process of its own, as the platform runs it, against services that speak TLS with a
 * certificate of their own: what a process trusts is settled when it starts.
 */

/** Calls the handler once for each line that comes, and prints one line for each answer. */
const INSTANCE = `
  const { handler } = require(process.argv[1]);
  const userData = { REGION: 'ap-southeast-3', UPLOAD_BUCKETS: 'videos', SNAPSHOT_BUCKET: 'snapshots', MPC_ENDPOINT: process.argv[2], OBS_ENDPOINT: process.argv[3], LOG_LEVEL: 'error' };
  const context = {
    getRequestID: () => 'r1', getRemainingTimeInMilliSeconds: () => 5000, getProjectID: () => 'p1', getFunctionName: () => 'f',
    getUserData: (key) => userData[key], getSecurityAccessKey: () => 'ak', getSecuritySecretKey: () => 'sk', getSecurityToken: () => 't',
  };
  process.stderr.write = () => true;
  require('readline').createInterface(process.stdin).on('line', (line) =>
    handler(JSON.parse(line), context).then((answer) => console.log(JSON.stringify(answer))));`;

const TASK = {
  task_id: '1',
  status: 'SUCCEEDED',
  input: { bucket: 'videos', object: 'a.mp4' },
  output: { bucket: 'snapshots', object: 'snapshots/a.mp4' },
};
const certificate = selfSignedCertificate();
let folder: string;
let server: Server;
let origin: string;
let instance: ChildProcess | undefined;
let connections: TLSSocket[];
let requests: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'https-'));
  await writeFile(path.join(folder, 'ca.pem'), certificate.cert);
  connections = [];
  requests = [];
  server = createServer(certificate, (request, response) => {
    requests.push(`${request.method} ${request.url?.split('?')[0]}`);
    request.resume();
    if (request.method === 'DELETE') response.writeHead(204).end();
    else if (request.method === 'GET') response.end(JSON.stringify({ task_array: [TASK], total: 1 }));
    else response.end('{"task_id":"1"}');
  });
  server.on('secureConnection', (socket) => connections.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  instance?.kill();
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

/** Starts an instance of a function. @returns calls it and resolves with the status of its answer */
async function start(
  name: 'create' | 'cancel' | 'query',
  obs = origin,
  env: NodeJS.ProcessEnv = { NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem') },
): Promise<(event: unknown) => Promise<number>> {
  const file = path.join(folder, 'index.js');
  await writeFile(file, (await bundleFunction(name)).code);
  const child = spawn(process.execPath, ['-e', INSTANCE, file, origin, obs], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  instance = child;
  const lines = createInterface(child.stdout);
  return async (event) => {
    child.stdin.write(`${JSON.stringify(event)}\n`);
    const [line] = (await once(lines, 'line')) as [string];
    return (JSON.parse(line) as { statusCode: number }).statusCode;
  };
}

const byId = (httpMethod: string) => ({ httpMethod, path: '/snapshots/1', pathParameters: { task_id: '1' } });
const creation = {
  httpMethod: 'POST',
  path: '/snapshots',
  body: '{"input":{"bucket":"videos","object":"a.mp4"}}',
};

test('one connection serves invocation after invocation', async () => {
  const call = await start('cancel');
  for (let i = 0; i < 3; i++) expect(await call(byId('DELETE'))).toBe(204);
  expect(requests.filter((request) => request.startsWith('DELETE'))).toHaveLength(3);
  expect(connections).toHaveLength(1);
});

test('a connection that was lost between invocations fails no request that may be repeated', async () => {
  const call = await start('query');
  for (let i = 0; i < 3; i++) {
    expect(await call(byId('GET'))).toBe(200);
    server.closeAllConnections();
  }
  expect(requests.filter((request) => request.includes('/thumbnails'))).toHaveLength(3);
});

test('the connection for the record of a task is opened while MPC works', async () => {
  const obs = createServer(certificate, (request, response) => {
    requests.push(`${request.method} OBS`);
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => obs.listen(0, '127.0.0.1', resolve));
  const isConnected = once(obs, 'secureConnection');
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    requests.push(`${request.method} MPC`);
    request.resume();
    // An MPC that answers only then is never answered by a function that connects afterwards.
    void isConnected.then(() => response.end('{"task_id":"1"}'));
  });
  const call = await start('create', `https://127.0.0.1:${(obs.address() as AddressInfo).port}`);
  const toObs: unknown[] = [];
  obs.on('secureConnection', (socket) => toObs.push(socket));
  for (let i = 0; i < 2; i++) expect(await call(creation)).toBe(202);
  expect(requests).toEqual(['POST MPC', 'PUT OBS', 'POST MPC', 'PUT OBS']);
  expect(toObs).toHaveLength(1);
  obs.close();
  obs.closeAllConnections();
});

test('a request that creates something is not sent again when its connection breaks', async () => {
  server.removeAllListeners('request');
  server.on('request', (request) => {
    requests.push(`${request.method}`);
    request.socket.destroy();
  });
  const call = await start('create');
  expect(await call(creation)).toBe(502);
  expect(requests).toEqual(['POST']);
});

test('nothing is sent to a server without a trusted certificate', async () => {
  const call = await start('create', origin, { NODE_EXTRA_CA_CERTS: '' });
  expect(await call(creation)).toBe(502);
  expect(requests).toEqual([]);
});
