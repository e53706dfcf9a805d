import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Credentials } from '../../../local/iam/credentials';
import { contentOf } from '../../../local/obs/payload';
import { type V4Request, verifySignatureV4 } from '../../../local/obs/signature-v4';
import { bytesOf } from './obs-fixture';

// The examples of the S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
const DATE = '20130524T000000Z';
const NOW_MS = Date.UTC(2013, 4, 24);
const KEY = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  projectId: 'p',
};
const NOTHING = createHash('sha256').digest('hex');
const CREDENTIAL = `${KEY.accessKey}/20130524/us-east-1/s3/aws4_request`;

function requestOf(
  method: string,
  url: string,
  headers: Record<string, string>,
  signature?: string,
): V4Request {
  const [rawPath = '', rawQuery = ''] = url.split('?');
  const sent = new Map(Object.entries(headers));
  if (signature !== undefined) {
    const names = [...sent.keys()].sort().join(';');
    sent.set(
      'authorization',
      `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=${names},Signature=${signature}`,
    );
  }
  return { method, rawPath, rawQuery, query: new Map(new URLSearchParams(rawQuery)), headers: sent };
}

const verify = (request: V4Request) =>
  verifySignatureV4(request, {
    credentials: new Credentials(KEY, () => NOW_MS),
    clock: () => NOW_MS,
    region: 'us-east-1',
    behaviour: { signatureRegion: 'checked', s3Checksums: 'verified' },
  });

const host = 'examplebucket.s3.amazonaws.com';
const common = { host, 'x-amz-content-sha256': NOTHING, 'x-amz-date': DATE };
const HEADER_EXAMPLES: [name: string, request: V4Request][] = [
  [
    'GET Object',
    requestOf(
      'GET',
      '/test.txt',
      { ...common, range: 'bytes=0-9' },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
  ],
  [
    'PUT Object',
    requestOf(
      'PUT',
      '/test$file.text',
      {
        ...common,
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      },
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ),
  ],
  [
    'GET Bucket Lifecycle',
    requestOf(
      'GET',
      '/?lifecycle',
      common,
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ),
  ],
  [
    'List Objects',
    requestOf(
      'GET',
      '/?max-keys=2&prefix=J',
      common,
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ),
  ],
];

test.each(HEADER_EXAMPLES)(
  'the example of %s is verified, and refused with one byte changed',
  (_, request) => {
    expect(verify(request).key).toBe(KEY);
    const changed = { ...request, rawPath: `${request.rawPath}x` };
    expect(() => verify(changed)).toThrow(expect.objectContaining({ code: 'SignatureDoesNotMatch' }));
  },
);

test('the example of a presigned URL is verified', () => {
  const query = [
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    `X-Amz-Credential=${encodeURIComponent(CREDENTIAL)}`,
    `X-Amz-Date=${DATE}`,
    'X-Amz-Expires=86400',
    'X-Amz-SignedHeaders=host',
    'X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  ];
  const request = requestOf('GET', `/test.txt?${query.join('&')}`, { host });
  expect(verify(request)).toEqual({ key: KEY, payload: { kind: 'unsigned' } });
});

const CHUNKED = {
  'content-encoding': 'aws-chunked',
  host: 's3.amazonaws.com',
  'x-amz-date': DATE,
  'x-amz-decoded-content-length': '66560',
  'x-amz-storage-class': 'REDUCED_REDUNDANCY',
};
const chunk = (bytes: number, signature: string) =>
  `${bytes.toString(16)};chunk-signature=${signature}\r\n${'a'.repeat(bytes)}${bytes === 0 ? '' : '\r\n'}`;

const STREAMED: [name: string, request: V4Request, body: string][] = [
  [
    'a chunked upload',
    requestOf(
      'PUT',
      '/examplebucket/chunkObject.txt',
      {
        ...CHUNKED,
        'content-length': '66824',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      },
      '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    ),
    `${chunk(65536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648')}${chunk(1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497')}${chunk(0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9')}\r\n`,
  ],
  [
    'a chunked upload with a trailing checksum',
    requestOf(
      'PUT',
      '/examplebucket/chunkObject.txt',
      {
        ...CHUNKED,
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
        'x-amz-trailer': 'x-amz-checksum-crc32c',
      },
      '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    ),
    `${chunk(65536, 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2')}${chunk(1024, '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7')}${chunk(0, '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992')}x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n`,
  ],
];

describe.each(STREAMED)('the example of %s', (_, request, body) => {
  const read = async (sent: string, pieceBytes = 7000) => {
    const { payload } = verify(request);
    const pieces: Buffer[] = [];
    for (let at = 0; at < sent.length; at += pieceBytes)
      pieces.push(Buffer.from(sent.slice(at, at + pieceBytes)));
    return bytesOf(contentOf(Readable.from(pieces), payload, request, 'verified'));
  };

  test.each([7000, 65_600, 1_000_000])(
    'gives the content, whatever pieces of at most %d bytes it arrives in',
    async (pieceBytes) => {
      expect((await read(body, pieceBytes)).toString()).toBe('a'.repeat(66_560));
    },
  );

  test('is refused with one byte of the content, of a signature or of the trailer changed', async () => {
    for (const at of [100, 66_000, body.length - 12]) {
      const changed = body.slice(0, at) + (body[at] === 'b' ? 'c' : 'b') + body.slice(at + 1);
      await expect(read(changed)).rejects.toMatchObject({
        code: expect.stringMatching(/^(SignatureDoesNotMatch|InvalidRequest|BadDigest)$/),
      });
    }
  });

  test('is refused when it ends early', async () => {
    for (const keep of [50, 40_000, 65_700]) {
      await expect(read(body.slice(0, keep))).rejects.toMatchObject({
        code: expect.stringMatching(/^(IncompleteBody|InvalidRequest)$/),
      });
    }
  });
});
