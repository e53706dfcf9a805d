import { randomUUID } from 'node:crypto';
import type ObsClient from 'esdk-obs-nodejs';
import type { Result } from 'esdk-obs-nodejs';
import { bodyOf, type Obs } from '../obs-fixture';

/** What a call of the table may use. Every call keeps to keys and buckets of its own. */
export interface Vendor {
  obs: Obs;
  client: ObsClient;
  /** A new client that differs in these options. */
  clientWith(options: Partial<ConstructorParameters<typeof ObsClient>[0]>): ObsClient;
  /** A bucket for all calls of one client. */
  Bucket: string;
  /** A folder for files. */
  folder: string;
  /** Does something while the clock of the service is ahead. */
  after<T>(seconds: number, action: () => Promise<T>): Promise<T>;
  /** Makes a call by its name in the SDK. */
  call(method: string, parameters: object): Promise<Result>;
}

/** A call, what it is called with and what must come of it; throws when it does not. */
export type VendorCall = readonly [name: string, run: (vendor: Vendor) => Promise<void>];

/** A call of the SDK that is expected to be answered with this status and, when refused, with this code. */
export function answers(
  method: string,
  parameters: (vendor: Vendor) => object,
  Status: number,
  Code = '',
): VendorCall {
  const outcome = Code === '' ? String(Status) : `${Status} ${Code}`;
  return [
    `${method} → ${outcome}`,
    async (vendor) => {
      const { CommonMsg } = await vendor.call(method, { Bucket: vendor.Bucket, ...parameters(vendor) });
      expect(CommonMsg).toMatchObject({ Status, Code });
    },
  ];
}

/** Stores an object under a new key. */
export async function stored(
  vendor: Vendor,
  text: string | Buffer = 'content',
  more: object = {},
): Promise<string> {
  const Key = `objects/a b/中+%~'()!*/${randomUUID()}`;
  const { CommonMsg } = await vendor.client.putObject({
    Bucket: vendor.Bucket,
    Key,
    ...bodyOf(text),
    ...more,
  });
  expect(CommonMsg.Status).toBe(200);
  return Key;
}

/** A bucket with nothing in it. */
export async function newBucket({ client }: Vendor): Promise<string> {
  const Bucket = `bucket-${randomUUID().slice(0, 8)}`;
  expect((await client.createBucket({ Bucket })).CommonMsg.Status).toBe(200);
  return Bucket;
}
