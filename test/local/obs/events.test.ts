import { encodeEventKey, renderObjectEvents } from '../../../local/obs/events';
import type { ObjectEvent } from '../../../local/obs/object-store';

const uploaded: ObjectEvent = {
  eventName: 'ObjectCreated:Put',
  bucket: 'videos',
  key: 'TEST/中 文.jpg',
  sizeBytes: 112,
  etag: '6f9433fb110632de417e2e697dcb1b5f',
  sequencer: '0000000019386C6871FB059ED0000000',
  timeMs: Date.UTC(2026, 8, 30, 3, 24, 43, 167),
  requestId: 'b27e6cbff1f6865c83111f130a982f56',
  sourceIp: '10.147.244.52',
};
const removed: ObjectEvent = {
  eventName: 'ObjectRemoved:Delete',
  bucket: 'videos',
  key: 'a',
  sequencer: '0000000019386C6871FB059ED0000001',
  timeMs: 0,
  requestId: '00',
  sourceIp: '127.0.0.1',
};

test('keys are form-encoded, as in the example of the OBS user guide', () => {
  expect(encodeEventKey('TEST/中 文.jpg')).toBe('TEST%2F%E4%B8%AD+%E6%96%87.jpg');
  expect(encodeEventKey('a+b%=&?#.txt')).toBe('a%2Bb%25%3D%26%3F%23.txt');
});

test('the classic trigger sends records in the form of S3', () => {
  expect(renderObjectEvents('s3', [uploaded], 'cn-north-4')).toEqual({
    Records: [
      {
        eventVersion: '2.0',
        eventSource: 'aws:s3',
        awsRegion: 'cn-north-4',
        eventTime: '2026-09-30T03:24:43.167Z',
        eventName: 'ObjectCreated:Put',
        userIdentity: { principalId: expect.any(String) },
        requestParameters: { sourceIPAddress: '10.147.244.52' },
        responseElements: { 'x-amz-request-id': 'b27e6cbff1f6865c83111f130a982f56', 'x-amz-id-2': '' },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: expect.any(String),
          bucket: {
            name: 'videos',
            ownerIdentity: { PrincipalId: expect.any(String) },
            arn: 'arn:aws:s3:::videos',
          },
          object: {
            key: 'TEST%2F%E4%B8%AD+%E6%96%87.jpg',
            eTag: '6f9433fb110632de417e2e697dcb1b5f',
            size: 112,
            versionId: 'null',
            sequencer: '0000000019386C6871FB059ED0000000',
          },
        },
      },
    ],
  });
});

test('the notification message 3.0 has the words of OBS', () => {
  expect(renderObjectEvents('obs', [uploaded, removed], 'cn-north-4')).toMatchObject({
    Records: [
      {
        eventVersion: '3.0',
        eventSource: 'OBS',
        eventRegion: 'cn-north-4',
        eventTime: '2026-09-30T03:24:43.167Z',
        eventName: 'ObjectCreated:Put',
        requestParameters: { sourceIPAddress: '10.147.244.52' },
        responseElements: { 'x-obs-request-id': 'b27e6cbff1f6865c83111f130a982f56' },
        obs: {
          Version: '1.0',
          bucket: { name: 'videos', bucket: 'videos', ownerIdentity: { ID: expect.any(String) } },
          object: { key: 'TEST%2F%E4%B8%AD+%E6%96%87.jpg', eTag: uploaded.etag, size: 112 },
        },
      },
      { eventName: 'ObjectRemoved:Delete', obs: { object: { key: 'a', versionId: 'null' } } },
    ],
  });
});

test('an event of a removed object has no size and no ETag', () => {
  const { Records } = renderObjectEvents('s3', [removed], 'r') as { Records: { s3: { object: object } }[] };
  expect(Object.keys(Records[0]!.s3.object)).toEqual(['key', 'versionId', 'sequencer']);
});

test('an EventGrid event has the fields and the oddities of the one captured in cn-east-3', () => {
  expect(renderObjectEvents('eventgrid', [{ ...uploaded, key: 'test.tar' }], 'cn-east-3')).toEqual({
    datacontenttype: 'application/json',
    data: {
      obs: {
        bucket: { bucket: 'videos', name: 'videos', arn: '', ownerIdentity: { ID: expect.any(String) } },
        Version: '1.0',
        configurationId: expect.any(String),
        object: {
          versionId: expect.stringMatching(/^G[0-9A-F]{31}null$/),
          oldpsxpth: '',
          size: 112,
          eTag: '6f9433fb110632de417e2e697dcb1b5f',
          key: 'test.tar',
          sequencer: '1',
        },
      },
      eventVersion: '3.0',
      responseElements: {
        'x-obs-id-2': '',
        'x-obs-request-id': 'b27e6cbff1f6865c83111f130a982f56',
        'x-amz-request-id': '',
        'x-amz-id-2': '',
      },
      eventSource: 'OBS',
      eventTime: '2026-09-30T11:24:43.167Z',
      requestParameters: { sourceIPAddress: '10.147.244.52' },
      eventName: 'ObjectCreated:Put',
      eventRegion: 'cn-east-3',
      userIdentity: { ID: expect.any(String) },
    },
    subject: 'test.tar',
    specversion: '1.0',
    id: 'b27e6cbff1f6865c83111f130a982f56',
    source: 'HC.OBS.DWR',
    time: '2026-09-30T03:24:43.167000000Z',
    type: 'OBS:DWR:ObjectCreated:PUT',
    ttl: '4000',
    dataschema: '',
  });
});

test.each([
  ['ObjectCreated:Put', 'OBS:DWR:ObjectCreated:PUT'],
  ['ObjectCreated:Post', 'OBS:DWR:ObjectCreated:POST'],
  ['ObjectCreated:Copy', 'OBS:DWR:ObjectCreated:COPY'],
  ['ObjectCreated:CompleteMultipartUpload', 'OBS:DWR:ObjectCreated:CompleteMultipartUpload'],
  ['ObjectRemoved:Delete', 'OBS:DWR:ObjectRemoved:Delete'],
] as const)('EventGrid calls %s %s', (eventName, type) => {
  expect(renderObjectEvents('eventgrid', [{ ...uploaded, eventName }], 'r')).toMatchObject({ type });
});

test('an EventGrid event is about one object', () => {
  expect(() => renderObjectEvents('eventgrid', [uploaded, removed], 'r')).toThrow(
    'exactly one object event, not 2',
  );
  expect(() => renderObjectEvents('eventgrid', [], 'r')).toThrow('not 0');
});

test('a trigger may have its key encoding switched off', () => {
  const plain = { encodeKeys: false };
  expect(renderObjectEvents('s3', [uploaded], 'r', plain)).toMatchObject({
    Records: [{ s3: { object: { key: 'TEST/中 文.jpg' } } }],
  });
  expect(renderObjectEvents('eventgrid', [uploaded], 'r', plain)).toMatchObject({
    data: { obs: { object: { key: 'TEST/中 文.jpg' } } },
  });
});
