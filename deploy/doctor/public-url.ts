import { createHash } from 'node:crypto';
import { encodePath } from '../../shared/signing';
import { CallFailed, type CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { elementOf, ObsClient } from '../obs-client';
import type { Finding } from './finding';

const TIMEOUT_MS = 10_000;
/** Objects to look at in the search for a small one. */
const LOOKED_AT = 100;
/** An unknown page, to test whether players on any page may read. */
const ORIGIN = 'https://player.example';
const PAGE = 'docs/results-players-and-cdn.md, "CDN"';

/** An object of the snapshot bucket. */
interface Sample {
  key: string;
  sizeBytes: number;
  etag: string;
}

/**
 * Checks that `PUBLIC_URL` leads to the snapshot bucket, and that players on other pages may read there. It fetches the
 * smallest of the first pictures and files, and compares it with the object in OBS.
 */
export async function checkPublicUrl({ functions }: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const places = new Map(
    functions.flatMap(({ userData: { PUBLIC_URL = '', SNAPSHOT_BUCKET = '', OUTPUT_DIRECTORY } }) => {
      const url = PUBLIC_URL.replace(/\/+$/, '');
      const folder = (OUTPUT_DIRECTORY ?? 'snapshots/{key}').replace(/\{.*/, '');
      return url === '' || SNAPSHOT_BUCKET === '' ? [] : [[url, { bucket: SNAPSHOT_BUCKET, folder }]];
    }),
  );
  const looks = [...places].map(([url, { bucket, folder }]) => checkPlace(url, bucket, folder, cloud));
  return (await Promise.all(looks)).flat();
}

async function checkPlace(url: string, bucket: string, folder: string, cloud: CloudApi): Promise<Finding[]> {
  const point = `PUBLIC_URL ${url}`;
  let sample: Sample | undefined;
  try {
    sample = await smallObject(bucket, folder, cloud);
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    const todo = `look with a key that may list ${bucket}, or open an address of it in a browser`;
    return [{ point, state: 'unseen', text: error.message, todo }];
  }
  if (sample === undefined) {
    const text = `${bucket} has no object below ${folder} yet that could be fetched`;
    return [
      { point, state: 'unseen', text, todo: 'run the doctor again when the first video has its pictures' },
    ];
  }
  const address = `${url}/${encodePath(sample.key)}`;
  const lead = {
    point,
    state: 'missing',
    todo: `let it lead to ${bucket}, and read ${folder} there (${PAGE})`,
  } as const;
  try {
    const response = await fetch(address, {
      headers: { origin: ORIGIN },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) return [{ ...lead, text: `${address} answers ${response.status}` }];
    if (!isSame(body, sample)) {
      return [{ ...lead, text: `${address} does not return this object of ${bucket}` }];
    }
    const ok: Finding = { point, state: 'ok', text: `leads to ${bucket}` };
    return [ok, corsFinding(url, response.headers.get('access-control-allow-origin'))];
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return [{ ...lead, text: `${address}: no answer (${cause?.code ?? name})` }];
  }
}

function corsFinding(url: string, allowed: string | null): Finding {
  const point = `CORS of ${url}`;
  if (allowed === '*' || allowed === ORIGIN)
    return { point, state: 'ok', text: 'players on any page may read' };
  return {
    point,
    state: 'note',
    text: 'players on pages of other sites may not read tracks and previews, unless a rule names these sites',
    todo: `add a CORS rule for GET on the CDN or the bucket, for the pages that have players (${PAGE})`,
  };
}

/** The ETag of a multipart upload is not an MD5: then only the size is compared. */
function isSame(body: Buffer, { sizeBytes, etag }: Sample): boolean {
  if (body.length !== sizeBytes) return false;
  return !/^[0-9a-f]{32}$/.test(etag) || createHash('md5').update(body).digest('hex') === etag;
}

/** @throws CallFailed */
async function smallObject(bucket: string, prefix: string, cloud: CloudApi): Promise<Sample | undefined> {
  const query = { prefix, 'max-keys': String(LOOKED_AT) };
  const { text } = await new ObsClient(cloud).call({ method: 'GET', bucket, query });
  const found = (text.match(/<Contents>.*?<\/Contents>/gs) ?? []).map((xml) => ({
    key: plain(elementOf(xml, 'Key') ?? ''),
    sizeBytes: Number(elementOf(xml, 'Size')),
    etag: plain(elementOf(xml, 'ETag') ?? '').replaceAll('"', ''),
  }));
  const filled = found.filter(({ sizeBytes }) => sizeBytes > 0);
  return filled.sort((one, other) => one.sizeBytes - other.sizeBytes)[0];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Decodes the entities of XML text. */
function plain(xml: string): string {
  return xml.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}
