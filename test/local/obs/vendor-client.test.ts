import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type ObsClient from 'esdk-obs-nodejs';
import type { Result } from 'esdk-obs-nodejs';
import type { ObsBehaviour } from '../../../local/obs/behaviour';
import { Obs } from './obs-fixture';
import { BUCKET_CALLS } from './vendor-calls/buckets';
import { NOT_IMPLEMENTED_CALLS } from './vendor-calls/not-implemented';
import { OBJECT_CALLS } from './vendor-calls/objects';
import { UPLOAD_CALLS } from './vendor-calls/uploads';
import type { Vendor } from './vendor-calls/vendor-call';

const CALLS = [...BUCKET_CALLS, ...OBJECT_CALLS, ...UPLOAD_CALLS, ...NOT_IMPLEMENTED_CALLS];

interface Mode {
  /** Options of the client. */
  options: Partial<ConstructorParameters<typeof ObsClient>[0]>;
  /** Where the client looks for the bucket. */
  style: 'virtual host' | 'path';
  /** The scheme that it signs with. */
  scheme: 'OBS' | 'AWS';
  isTemporary?: boolean;
  behaviour?: Partial<ObsBehaviour>;
}

/** All that the client can be told about signing, and what it makes of it. */
const MODES: Readonly<Record<string, Mode>> = {
  'obs, virtual host': { options: { signature: 'obs' }, style: 'virtual host', scheme: 'OBS' },
  'obs, virtual host, temporary key': {
    options: {},
    style: 'virtual host',
    scheme: 'OBS',
    isTemporary: true,
  },
  'obs, virtual host, negotiated': {
    options: { is_signature_negotiation: true },
    style: 'virtual host',
    scheme: 'OBS',
  },
  'obs, virtual host, negotiated with a service that names no version': {
    options: { is_signature_negotiation: true },
    style: 'virtual host',
    scheme: 'AWS',
    behaviour: { apiVersion: 'unannounced' },
  },
  // At an IP address the client always takes the path, and there it turns `obs` into `v2`, with or without negotiation.
  'obs, path': {
    options: { signature: 'obs', is_signature_negotiation: true },
    style: 'path',
    scheme: 'AWS',
  },
  'v2, path': { options: { signature: 'v2' }, style: 'path', scheme: 'AWS' },
  'v2, path, temporary key': {
    options: { signature: 'v2' },
    style: 'path',
    scheme: 'AWS',
    isTemporary: true,
  },
  'v2, virtual host': { options: { signature: 'v2' }, style: 'virtual host', scheme: 'AWS' },
  // The client knows version 4, but never gets there: whatever is not `obs` becomes `v2`.
  'v4, virtual host': { options: { signature: 'v4' }, style: 'virtual host', scheme: 'AWS' },
  'v4, path': { options: { signature: 'v4' }, style: 'path', scheme: 'AWS' },
};

const passed = new Map<string, number>();

describe.each(Object.entries(MODES))("the vendor's client, %s:", (mode, expected) => {
  const requests: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];
  let vendor: Vendor;

  beforeAll(async () => {
    const { options, style, isTemporary = false, behaviour = {} } = expected;
    let aheadSeconds = 0;
    const obs = await Obs.start({ behaviour, clock: () => Date.now() + aheadSeconds * 1000 });
    obs.server.on('request', ({ method, url, headers }) => requests.push({ method, url, headers }));
    const key = isTemporary ? obs.credentials.temporaryKeyOf('agency') : obs.credentials.permanent;
    const clientWith: Vendor['clientWith'] = (more) =>
      obs.client(style === 'path' ? 'path style, AWS dialect' : 'virtual host, OBS dialect', key, {
        ...options,
        ...more,
      });
    const client = clientWith({});
    const call: Vendor['call'] = (method, parameters) =>
      (client as unknown as Record<string, (parameters: object) => Promise<Result>>)[method]!(parameters);
    const Bucket = 'shared-bucket';
    await obs.store.createBucket(Bucket);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'vendor-'));
    const after: Vendor['after'] = async (seconds, action) => {
      aheadSeconds = seconds;
      return action().finally(() => {
        aheadSeconds = 0;
      });
    };
    vendor = { obs, client, clientWith, Bucket, folder, call, after };
  });
  afterAll(async () => {
    vendor.client.close();
    await vendor.obs.close();
    await rm(vendor.folder, { recursive: true });
  });

  test.each(CALLS)('%s', async (_name, run) => {
    await run(vendor);
    passed.set(mode, (passed.get(mode) ?? 0) + 1);
  });

  test(`signs ${expected.scheme} and puts the bucket into the ${expected.style}`, () => {
    const signed = requests.filter(({ headers }) => headers.authorization !== undefined);
    expect(signed.length).toBeGreaterThan(CALLS.length);
    for (const { url, headers } of signed) {
      expect(headers.authorization).toMatch(expected.scheme === 'OBS' ? /^OBS / : /^AWS [^4]/);
      if (expected.style === 'path') expect(headers.host).toMatch(/^127\.0\.0\.1(:|$)/);
      else if (!headers.host?.startsWith('obs.localhost')) expect(url).not.toContain('shared-bucket/');
    }
    const negotiations = requests.filter(({ url }) => url?.includes('apiversion')).length;
    if (mode.includes('negotiated')) expect(negotiations).toBeGreaterThan(0);
    else expect(negotiations).toBe(0);
  });
});

test('the table holds at least 45 different calls, and every mode passes all of them', () => {
  const names = new Set(CALLS.map(([name]) => name));
  expect(names.size).toBe(CALLS.length);
  expect(names.size).toBeGreaterThanOrEqual(45);
  const counts = Object.keys(MODES).map((mode) => `${mode}: ${passed.get(mode) ?? 0}/${CALLS.length}`);
  console.info(`esdk-obs-nodejs, calls that passed: ${counts.join('; ')}`);
  for (const mode of Object.keys(MODES)) expect([mode, passed.get(mode)]).toEqual([mode, CALLS.length]);
});
