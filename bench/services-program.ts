import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { selfSignedCertificate } from '../test/self-signed-certificate';

/*
 * Stands in for MPC and OBS, in a process of its own, by http and by https: answers of the right form and nothing behind them.
 * The first argument is how long every answer takes, ms. Prints its ports.
 */

const delayMs = Number(process.argv[2] ?? 0);
const TASK =
  '{"task_id":"1000001","status":"SUCCEEDED","create_time":"20261124101500","output":{"bucket":"snapshots","location":"ap-southeast-3","object":"snapshots/uploads/sample.mp4"},"thumbnail_info":[{"pic_name":"0.jpg"},{"pic_name":"10.jpg"}]}';
const NO_SUCH_KEY =
  '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>';

const answer: RequestListener = (request, response) => {
  request.resume();
  request.on('end', () => {
    const isMpc = request.url?.startsWith('/v1/');
    const [status, body] = isMpc
      ? request.method === 'GET'
        ? [200, `{"task_array":[${TASK}],"is_truncated":0,"total":1}`]
        : request.method === 'DELETE'
          ? [204, '']
          : [202, '{"task_id":"1000001"}']
      : request.method === 'GET'
        ? [404, NO_SUCH_KEY]
        : [200, ''];
    const send = () => response.writeHead(Number(status), { 'content-type': 'application/json' }).end(body);
    if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  });
};

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function main(): Promise<void> {
  const keepAliveTimeout = 60_000;
  const http = await listen(createServer({ keepAliveTimeout }, answer));
  const https = await listen(createTlsServer({ ...selfSignedCertificate(), keepAliveTimeout }, answer));
  console.log(JSON.stringify({ http, https }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
