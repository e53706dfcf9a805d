import { fetchDescribed, LocalService } from './local-service';

const PAGE = 'http://localhost:3000';

let service: LocalService;
beforeAll(async () => {
  service = await LocalService.start({ origins: [PAGE] });
}, 60_000);
afterAll(() => service.stop());

const call = (method: string, headers: Record<string, string>, body?: string) =>
  fetchDescribed(`${service.cloud.addresses.gateway}/snapshots`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });

test('a named page creates tasks and reads the answers, and another page does neither', async () => {
  const preflight = await call('OPTIONS', {
    origin: PAGE,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,idempotency-key',
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,idempotency-key');
  const body = JSON.stringify({ input: { bucket: service.cloud.uploadBucket, object: 'a.mp4' } });
  const created = await call('POST', { origin: PAGE, 'content-type': 'application/json' }, body);
  expect([created.status, created.headers.get('access-control-allow-origin')]).toEqual([202, PAGE]);
  for (const type of ['application/json', 'text/plain']) {
    expect(
      (await call('POST', { origin: 'https://evil.example.com', 'content-type': type }, body)).status,
    ).toBe(403);
  }
  const listed = await call('GET', { origin: PAGE });
  expect(((await listed.json()) as { total: number }).total).toBe(1);
});

test('no cache keeps answers that may contain signed addresses', async () => {
  expect((await call('GET', {})).headers.get('cache-control')).toBe('no-store');
});

test('a JSON body may begin with a byte order mark', async () => {
  const input = { bucket: service.cloud.uploadBucket, object: 'bom.mp4' };
  const body = `\uFEFF${JSON.stringify({ input })}`;
  expect((await call('POST', { 'content-type': 'application/json' }, body)).status).toBe(202);
});
