import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { selfSignedCertificate } from '../test/self-signed-certificate';

/*
 * Replaces MPC and OBS, in a process of its own, by http and by https: answers of the right form, with nothing behind
 * them. Arguments: the time for every answer, and the delay in either direction, both in ms. Prints the addresses.
 */

const delayMs = Number(process.argv[2] ?? 0);
const distanceMs = Number(process.argv[3] ?? 0);
/** A task that has ended, and one that waits and can be cancelled. */
const ENDED =
  '{"task_id":"1000001","status":"SUCCEEDED","create_time":"20261124101500","input":{"bucket":"videos","location":"ap-southeast-3","object":"uploads/sample.mp4"},"output":{"bucket":"snapshots","location":"ap-southeast-3","object":"snapshots/uploads/sample.mp4"},"thumbnail_info":[{"pic_name":"0.jpg"},{"pic_name":"10.jpg"}]}';
const WAITING = JSON.stringify({
  ...(JSON.parse(ENDED) as object),
  task_id: '1000002',
  status: 'WAITING',
  thumbnail_info: undefined,
});
const NO_SUCH_KEY =
  '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>';

const EMPTY_LISTING = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
const LISTING =
  '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>uploads%2Fsample.mp4</Key><LastModified>2026-11-24T10:15:00.000Z</LastModified><ETag>"e1"</ETag><Size>1000</Size></Contents></ListBucketResult>';

const answer: RequestListener = (request, response) => {
  request.resume();
  request.on('end', () => {
    const isMpc = request.url?.startsWith('/v1/');
    const [status, body] = isMpc
      ? request.method === 'GET'
        ? [
            200,
            `{"task_array":[${request.url?.includes('1000002') ? WAITING : ENDED}],"is_truncated":0,"total":1}`,
          ]
        : request.method === 'DELETE'
          ? [204, '']
          : [202, '{"task_id":"1000001"}']
      : request.method === 'GET'
        ? request.url?.includes('prefix=')
          ? [200, request.url.includes('sample.mp4') ? LISTING : EMPTY_LISTING]
          : [404, NO_SUCH_KEY]
        : [200, ''];
    const headers = {
      'content-type': 'application/json',
      ...(status !== 204 && { 'content-length': Buffer.byteLength(String(body)) }),
    };
    const send = () => response.writeHead(Number(status), headers).end(body);
    if (delayMs > 0) setTimeout(send, delayMs);
    else send();
  });
};

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A proxy to a port that delays everything. */
function farAway(port: number): Promise<number> {
  const slowly = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), distanceMs));
    from.on('close', () => to.destroy());
    from.on('error', () => {});
  };
  const server = createTcpServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.setNoDelay();
    far.setNoDelay();
    slowly(near, far);
    slowly(far, near);
  });
  return listen(server);
}

/** One service, reachable by both protocols. */
async function serve(): Promise<Record<'http' | 'https', string>> {
  const keepAliveTimeout = 60_000;
  const http = await listen(createServer({ keepAliveTimeout }, answer));
  const https = await listen(createTlsServer({ ...selfSignedCertificate(), keepAliveTimeout }, answer));
  const address = async (port: number) => `127.0.0.1:${distanceMs > 0 ? await farAway(port) : port}`;
  return { http: `http://${await address(http)}`, https: `https://${await address(https)}` };
}

async function main(): Promise<void> {
  console.log(JSON.stringify({ mpc: await serve(), obs: await serve() }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
