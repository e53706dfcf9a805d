import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { awsSignature, sha256 } from '../iam/aws-signature';
import { type Checksum, newChecksum } from './checksums';
import { ObsError } from './errors';

/** Signs the chunks of one body. Each signature includes the one before it. */
export interface ChunkSigner {
  signingKey: Buffer;
  /** As in `X-Amz-Date`. */
  dateTime: string;
  scope: string;
  /** The signature of the request. */
  seedSignature: string;
}

/** What a signature of version 4 says about the body. */
export type Payload =
  | { kind: 'unsigned' }
  | { kind: 'hashed'; sha256: string }
  /** `aws-chunked`: the body is cut into chunks, and may end with trailing headers. */
  | { kind: 'chunked'; signer?: ChunkSigner; hasTrailer: boolean };

export interface PayloadHeaders {
  headers: ReadonlyMap<string, string>;
}

/** The longest line before a chunk, or of a trailing header. */
const MAX_LINE_BYTES = 8 * 1024;
const MAX_TRAILER_LINES = 64;
const LINE_END = Buffer.from('\r\n');
const CHECKSUM_PREFIX = 'x-amz-checksum-';

/**
 * The content of a body: the chunks are joined, and hash, signatures and checksums are verified during reading. A
 * mistake shows at the end of the body at the latest, so nothing may be kept before that.
 *
 * @param checksums whether OBS knows the checksums of S3
 * @returns a stream that fails with ObsError XAmzContentSHA256Mismatch, SignatureDoesNotMatch, BadDigest,
 *   IncompleteBody or InvalidRequest
 * @throws ObsError InvalidRequest for an unknown trailer, MissingContentLength
 */
export function contentOf(
  body: Readable,
  payload: Payload,
  { headers }: PayloadHeaders,
  checksums: 'unknown' | 'verified',
): Readable {
  // A client whose connection is closed while it sends would never see the refusal.
  const received: AsyncIterable<Uint8Array> = body.iterator({ destroyOnReturn: false });
  const expected = checksums === 'verified' ? announcedChecksums(headers) : new Map<string, string>();
  if (payload.kind === 'chunked') {
    const content = joinedChunks(received, payload, {
      sizeBytes: decodedLength(headers),
      trailers: payload.hasTrailer ? announcedTrailers(headers) : [],
    });
    return streamOf(withChecksums(content, expected));
  }
  if (payload.kind === 'unsigned' && expected.size === 0) return body;
  const content = payload.kind === 'hashed' ? withHash(received, payload.sha256) : received;
  return streamOf(withChecksums(content, expected));
}

function streamOf(content: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(content, { objectMode: false });
}

/** The length of the content of an aws-chunked body, in bytes. @throws ObsError MissingContentLength */
export function decodedLength(headers: ReadonlyMap<string, string>): number {
  const text = headers.get('x-amz-decoded-content-length') ?? '';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ObsError(
    'MissingContentLength',
    'An aws-chunked body needs the header x-amz-decoded-content-length: the length of the content in bytes.',
  );
}

function announcedChecksums(headers: ReadonlyMap<string, string>): Map<string, string> {
  const checksums = new Map<string, string>();
  for (const [name, value] of headers) {
    const algorithm = name.startsWith(CHECKSUM_PREFIX) ? name.slice(CHECKSUM_PREFIX.length) : '';
    if (newChecksum(algorithm) !== undefined) checksums.set(algorithm, value);
  }
  return checksums;
}

/** The names in `x-amz-trailer`. @throws ObsError InvalidRequest */
function announcedTrailers(headers: ReadonlyMap<string, string>): string[] {
  const names = (headers.get('x-amz-trailer') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  for (const name of names) {
    if (!name.startsWith(CHECKSUM_PREFIX) || newChecksum(name.slice(CHECKSUM_PREFIX.length)) === undefined) {
      throw new ObsError(
        'InvalidRequest',
        `The value '${name}' of x-amz-trailer is invalid: it names a checksum such as x-amz-checksum-crc32.`,
      );
    }
  }
  return names;
}

async function* withHash(content: AsyncIterable<Uint8Array>, expected: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const bytes of content) {
    hash.update(bytes);
    yield bytes;
  }
  const computed = hash.digest('hex');
  if (computed !== expected) throw contentMismatch(expected, computed);
}

/** The refusal of a body that is not the signed one. */
export function contentMismatch(claimed: string, computed: string): ObsError {
  return new ObsError(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed },
  );
}

async function* withChecksums(
  content: AsyncIterable<Uint8Array>,
  expected: ReadonlyMap<string, string>,
): AsyncGenerator<Uint8Array> {
  const checksums = [...expected].flatMap(([name, value]) => {
    const checksum = newChecksum(name);
    return checksum === undefined ? [] : [{ name, value, checksum }];
  });
  for await (const bytes of content) {
    for (const { checksum } of checksums) checksum.update(bytes);
    yield bytes;
  }
  for (const { name, value, checksum } of checksums) checkChecksum(name, value, checksum);
}

function checkChecksum(name: string, value: string, checksum: Checksum): void {
  const computed = checksum.digest();
  if (computed === value) return;
  throw new ObsError(
    'BadDigest',
    `The ${name.toUpperCase()} you specified did not match the calculated checksum: got '${value}', the content has '${computed}'.`,
  );
}

/**
 * Decodes an aws-chunked body (S3 API reference, "Signature calculations: transferring payload in multiple chunks").
 */
async function* joinedChunks(
  received: AsyncIterable<Uint8Array>,
  { signer, hasTrailer }: Extract<Payload, { kind: 'chunked' }>,
  announced: { sizeBytes: number; trailers: readonly string[] },
): AsyncGenerator<Uint8Array> {
  const body = new BodyReader(received);
  const checksums = announced.trailers.map((name) => newChecksum(name.slice(CHECKSUM_PREFIX.length)));
  let previousSignature = signer?.seedSignature ?? '';
  let totalBytes = 0;
  for (;;) {
    const { sizeBytes, signature } = parseChunkHead(await body.line(), signer !== undefined);
    const hash = createHash('sha256');
    for (let leftBytes = sizeBytes; leftBytes > 0; ) {
      const bytes = await body.upTo(leftBytes);
      leftBytes -= bytes.length;
      hash.update(bytes);
      for (const checksum of checksums) checksum?.update(bytes);
      yield bytes;
    }
    if (signer !== undefined) {
      const parts = [sha256(''), hash.digest('hex')];
      checkSignature(signer, 'AWS4-HMAC-SHA256-PAYLOAD', previousSignature, parts, signature);
      previousSignature = signature;
    }
    totalBytes += sizeBytes;
    if (sizeBytes === 0) break;
    if ((await body.line()) !== '') throw malformed('a chunk is longer than its size says');
  }
  if (totalBytes !== announced.sizeBytes) {
    throw new ObsError(
      'IncompleteBody',
      `The chunks hold ${totalBytes} bytes, x-amz-decoded-content-length says ${announced.sizeBytes} bytes.`,
    );
  }
  if (!hasTrailer) return;
  const { trailers, signature } = await readTrailers(body);
  if (signer !== undefined) {
    const canonical = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('');
    const parts = [sha256(canonical)];
    checkSignature(signer, 'AWS4-HMAC-SHA256-TRAILER', previousSignature, parts, signature ?? '');
  }
  for (const [index, name] of announced.trailers.entries()) {
    const value = trailers.get(name);
    const checksum = checksums[index];
    if (value === undefined) throw malformed(`the trailing header ${name} is announced but missing`);
    if (checksum !== undefined) checkChecksum(name.slice(CHECKSUM_PREFIX.length), value, checksum);
  }
}

function parseChunkHead(line: string, isSigned: boolean): { sizeBytes: number; signature: string } {
  const [, size = '', signature = ''] =
    /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line) ?? [];
  if (size === '' || (isSigned && signature === '')) {
    throw malformed(
      isSigned
        ? 'a chunk must begin with its size in hexadecimal digits and ;chunk-signature='
        : 'a chunk must begin with its size in hexadecimal digits',
    );
  }
  return { sizeBytes: Number.parseInt(size, 16), signature };
}

/** The headers after the last chunk, up to an empty line or the end. */
async function readTrailers(
  body: BodyReader,
): Promise<{ trailers: Map<string, string>; signature: string | undefined }> {
  const trailers = new Map<string, string>();
  let signature: string | undefined;
  for (let count = 0; count < MAX_TRAILER_LINES; count++) {
    const line = ((await body.lineOrEnd()) ?? '').trim();
    if (line === '') break;
    const [name = '', value = ''] = line.split(/:(.*)/s).map((text) => text.trim());
    if (name.toLowerCase() === 'x-amz-trailer-signature') signature = value;
    else trailers.set(name.toLowerCase(), value);
  }
  return { trailers, signature };
}

function checkSignature(
  { signingKey, dateTime, scope }: ChunkSigner,
  algorithm: string,
  previousSignature: string,
  parts: readonly string[],
  provided: string,
): void {
  const text = [algorithm, dateTime, scope, previousSignature, ...parts].join('\n');
  if (awsSignature(signingKey, text) === provided) return;
  throw new ObsError(
    'SignatureDoesNotMatch',
    'The signature of a chunk does not match: each signs the signature before it, its own content, and the date and scope of the request.',
    { SignatureProvided: provided, StringToSign: text },
  );
}

function malformed(what: string): ObsError {
  return new ObsError('InvalidRequest', `The aws-chunked body is not well-formed: ${what}.`);
}

/** Reads lines and bytes from a body. */
class BodyReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** The next line without its end. @throws ObsError IncompleteBody, InvalidRequest */
  async line(): Promise<string> {
    const line = await this.lineOrEnd();
    if (line === undefined) throw endedEarly();
    return line;
  }

  /** The next line, or the rest; undefined if nothing is left. @throws ObsError InvalidRequest */
  async lineOrEnd(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(LINE_END);
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString('latin1');
        this.#rest = this.#rest.subarray(end + LINE_END.length);
        return line;
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw malformed(`a line exceeds ${MAX_LINE_BYTES} bytes`);
      if (await this.#fill()) continue;
      if (this.#rest.length === 0) return undefined;
      const line = this.#rest.toString('latin1');
      this.#rest = Buffer.alloc(0);
      return line;
    }
  }

  /** At least one byte, and at most `sizeBytes`. @throws ObsError IncompleteBody */
  async upTo(sizeBytes: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#fill())) throw endedEarly();
    const bytes = this.#rest.subarray(0, sizeBytes);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  async #fill(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#rest =
        this.#rest.length === 0 ? Buffer.from(next.value) : Buffer.concat([this.#rest, next.value]);
      return true;
    }
  }
}

function endedEarly(): ObsError {
  return new ObsError('IncompleteBody', 'The body ends too early: the last chunk must have the size 0.');
}
