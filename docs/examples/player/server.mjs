// A site at http://localhost:3000 with the page beside this file. Like a CDN it hands out, from the buckets of a running local cloud,
// /videos/<key> (the upload) and /snapshots/<key>/… (its pictures and published files):
//
//     node server.mjs
//
// PORT and OBS_ENDPOINT change the addresses.

import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';

const { PORT = '3000', OBS_ENDPOINT = 'http://127.0.0.1:4001' } = process.env;
const ACCESS_KEY = process.env.HUAWEICLOUD_SDK_AK ?? 'LOCALACCESSKEY000001';
const SECRET_KEY = process.env.HUAWEICLOUD_SDK_SK ?? 'local-secret-key-that-opens-nothing-else';

/** A temporary address (OBS API reference, "Authentication of a Signature in a URL"). */
function signed(resource) {
  const expires = Math.floor(Date.now() / 1000) + 60;
  const signature = createHmac('sha1', SECRET_KEY)
    .update(`GET\n\n\n${expires}\n${resource}`)
    .digest('base64');
  const query = new URLSearchParams({ AccessKeyId: ACCESS_KEY, Expires: expires, Signature: signature });
  return `${OBS_ENDPOINT}${resource}?${query}`;
}

createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(await readFile(new URL('index.html', import.meta.url)));
      return;
    }
    // Keys of the snapshot bucket begin with the folder `snapshots/` too.
    const resource = pathname.startsWith('/snapshots/') ? `/snapshots${pathname}` : pathname;
    const { range } = request.headers;
    const object = await fetch(signed(resource), { headers: range === undefined ? {} : { range } });
    response.statusCode = object.status;
    for (const name of ['content-type', 'content-length', 'content-range', 'accept-ranges', 'etag']) {
      const value = object.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    await pipeline(object.body, response);
  } catch (error) {
    console.error(String(error));
    response.destroy();
  }
}).listen(Number(PORT), '127.0.0.1', function listening() {
  console.log(`http://localhost:${this.address().port}`);
});
