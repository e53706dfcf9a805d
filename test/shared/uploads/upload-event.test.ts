import fc from 'fast-check';
import { decodeKey, readUploads, reasonToSkip } from '../../../shared/uploads/upload-event';
import { settingsWith } from '../function-context';

// FunctionGraph developer guide, "OBS event source", with the fields of a captured event added.
const s3Record = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventVersion: '2.0',
  eventSource: 'aws:s3',
  awsRegion: 'ap-southeast-3',
  eventTime: '2024-12-02T07:50:50.028Z',
  eventName,
  userIdentity: { principalId: '9bf43789b1ff4b679040f35cc4f0dc05' },
  requestParameters: { sourceIPAddress: '103.218.216.125' },
  s3: {
    s3SchemaVersion: '1.0',
    configurationId: 'UK1DGFPYUKUZFHNQ00000160CC0B471D101ED30CE24DF4DB',
    bucket: { name: 'videos', arn: 'arn:aws:s3:::videos', ownerIdentity: { PrincipalId: '0ed1b734' } },
    object: {
      key,
      eTag: '9d377b10ce778c4938b3c7e2c63a229a',
      size: 777835,
      versionId: 'null',
      sequencer: '00000000160D9E68',
    },
  },
});

// OBS user guide, "Event message structure" (version 3.0).
const obsRecord = (key: string) => ({
  eventVersion: '3.0',
  eventSource: 'OBS',
  eventRegion: 'ap-southeast-3',
  eventTime: '2026-09-30T11:24:42.533Z',
  eventName: 'ObjectCreated:Put',
  userIdentity: { ID: '28a7528d52e5417cb9a0ac2dbb59ea05' },
  requestParameters: { sourceIPAddress: '10.147.244.52' },
  responseElements: { 'x-obs-request-id': 'b27e6cbff1f6865c83111f130a982f56', 'x-obs-id-2': '' },
  obs: {
    Version: '1.0',
    configurationId: '5d1b530b-be59-4fdc-adf7-f808cf06f8c9',
    bucket: { name: 'videos', bucket: 'videos', ownerIdentity: { ID: '28a7528d' } },
    object: {
      key,
      eTag: '6f9433fb110632de417e2e697dcb1b5f',
      size: 112,
      versionId: 'G001null',
      sequencer: '1',
    },
  },
});

// Captured from an EventGrid subscription in cn-east-3.
const cloudEvent = (key: string) => ({
  datacontenttype: 'application/json',
  data: obsRecord(key),
  subject: key,
  specversion: '1.0',
  id: 'b27e6cbff1f6865c83111f130a982f56',
  source: 'HC.OBS.DWR',
  time: '2026-09-30T03:24:43.167931174Z',
  type: 'OBS:DWR:ObjectCreated:PUT',
  ttl: '4000',
  dataschema: '',
});

const keyOf = (event: unknown) => readUploads(event)?.map(({ upload }) => upload?.key);

describe('reading an event', () => {
  test('the documented key is decoded in the two shapes with records', () => {
    const encoded = 'TEST%2F%E4%B8%AD+%E6%96%87.jpg';
    expect(keyOf({ Records: [s3Record(encoded)] })).toEqual(['TEST/中 文.jpg']);
    expect(keyOf({ Records: [obsRecord(encoded)] })).toEqual(['TEST/中 文.jpg']);
  });

  test('an EventGrid key is decoded when the subscription encodes, and left alone when it does not', () => {
    expect(keyOf(cloudEvent('TEST%2F%E4%B8%AD+%E6%96%87.jpg'))).toEqual(['TEST/中 文.jpg']);
    expect(keyOf(cloudEvent('TEST/100%+中 文.jpg'))).toEqual(['TEST/100%+中 文.jpg']);
    expect(keyOf(cloudEvent('test.tar'))).toEqual(['test.tar']);
  });

  test('a record’s key that cannot be the result of encoding is used unchanged, and slashes alone prove nothing', () => {
    for (const record of [s3Record, obsRecord]) {
      expect(keyOf({ Records: [record('TEST/100%+中 文.mp4')] })).toEqual(['TEST/100%+中 文.mp4']);
      expect(keyOf({ Records: [record('100%20+1 a.mp4')] })).toEqual(['100%20+1 a.mp4']);
      expect(keyOf({ Records: [record('a+b/%E4%B8%AD.mp4')] })).toEqual(['a b/中.mp4']);
    }
  });

  test('bucket, ETag and size are read from all three shapes', () => {
    expect(readUploads({ Records: [s3Record('a.mp4')] })).toEqual([
      {
        upload: {
          bucket: 'videos',
          key: 'a.mp4',
          etag: '9d377b10ce778c4938b3c7e2c63a229a',
          sizeBytes: 777835,
        },
      },
    ]);
    const fromObs = {
      bucket: 'videos',
      key: 'a.mp4',
      etag: '6f9433fb110632de417e2e697dcb1b5f',
      sizeBytes: 112,
    };
    expect(readUploads({ Records: [obsRecord('a.mp4')] })).toEqual([{ upload: fromObs }]);
    expect(readUploads(cloudEvent('a.mp4'))).toEqual([{ upload: fromObs }]);
  });

  test('every record of a batch is read; a bad one does not hide the others', () => {
    const records = readUploads({
      Records: [s3Record('a.mp4'), { nonsense: true }, null, obsRecord('b.mp4')],
    });
    expect(records?.map((record) => record.skip ?? record.upload?.key)).toEqual([
      'a.mp4',
      'unreadable_record',
      'unreadable_record',
      'b.mp4',
    ]);
  });

  test('an event that is neither a creation nor a removal is not an upload', () => {
    expect(readUploads({ Records: [s3Record('a.mp4', 'ObjectRestored:Post')] })?.[0]?.skip).toBe(
      'not_a_creation',
    );
  });

  test('an ETag in quotes is the same ETag', () => {
    const record = s3Record('a.mp4');
    record.s3.object.eTag = '"abc"';
    expect(readUploads({ Records: [record] })?.[0]?.upload?.etag).toBe('abc');
  });

  test.each([
    ['100%.mp4', '100%.mp4'],
    ['%zz+.mp4', '%zz+.mp4'],
  ])('%s is not form-encoded, and is used unchanged', (key, expected) => {
    expect(keyOf({ Records: [s3Record(key)] })).toEqual([expected]);
  });

  test.each(['/a%20b', 'a%20b/', 'a b%20c'])('EventGrid sent %s unencoded: one character shows it', (key) => {
    expect(keyOf(cloudEvent(key))).toEqual([key]);
  });

  test.each([
    ['9', 9],
    [9, 9],
    ['9x', undefined],
    ['x9', undefined],
    [-9, undefined],
    [null, undefined],
  ])('the size %j is %j bytes', (size, sizeBytes) => {
    const record = {
      ...s3Record('a.mp4'),
      s3: { bucket: { name: 'videos' }, object: { key: 'a.mp4', size } },
    };
    expect(readUploads({ Records: [record] })?.[0]?.upload?.sizeBytes).toBe(sizeBytes);
  });

  test('an ETag that is not a string counts as missing', () => {
    const object = { key: 'a.mp4', eTag: { no: 'text' } };
    const record = { ...s3Record('a.mp4'), s3: { bucket: { name: 'videos' }, object } };
    expect(readUploads({ Records: [record] })?.[0]?.upload?.etag).toBe('');
  });

  // In a versioned bucket `Delete` removes one version, which may have been overwritten long before.
  test.each([
    'ObjectRemoved:Delete',
    'ObjectRemoved:DeleteMarkerCreated',
    's3:ObjectRemoved:DeleteMarkerCreated',
  ])('%s is a removal, in any shape, whatever version it names', (eventName) => {
    const object = { key: 'a.mp4', versionId: 'G001018A3F2B00000000000000000001' };
    const bucket = { name: 'videos' };
    const record = { eventName, obs: { bucket, object } };
    for (const event of [
      { Records: [{ eventName, s3: { bucket, object } }] },
      { Records: [record] },
      { specversion: '1.0', data: record },
    ]) {
      expect(readUploads(event)).toEqual([
        { upload: { bucket: 'videos', key: 'a.mp4', etag: '' }, isRemoval: true },
      ]);
    }
  });

  test('a name that only contains that of a creation is not one', () => {
    for (const name of ['NoObjectCreated:Put', 's3:NoObjectCreated:Put']) {
      expect(readUploads({ Records: [s3Record('a.mp4', name)] })?.[0]?.skip).toBe('not_a_creation');
    }
    expect(readUploads({ Records: [s3Record('a.mp4', 's3:ObjectCreated:Put')] })?.[0]?.skip).toBeUndefined();
  });

  test.each([[{}], [null], ['text'], [{ Records: 'no' }], [{ trigger_type: 'TIMER' }]])(
    '%j is not an OBS event',
    (event) => {
      expect(readUploads(event)).toBeUndefined();
    },
  );

  test('any key survives form encoding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (key) => {
        const encoded = new URLSearchParams([['', key]]).toString().slice(1);
        expect(decodeKey(encoded)).toBe(key);
      }),
    );
  });
});

describe('choosing uploads', () => {
  const settings = settingsWith({ UPLOAD_PREFIX: 'uploads/' });
  const upload = { bucket: 'videos', key: 'uploads/a.mp4', etag: 'e', sizeBytes: 1 };

  test.each([
    ['a video', {}, undefined],
    ['a video in upper case', { key: 'uploads/A.MOV' }, undefined],
    ['a video of unknown size', { sizeBytes: undefined }, undefined],
    ['an empty video', { sizeBytes: 0 }, 'empty'],
    ['a key that OBS would not take', { key: 'uploads/a\n.mp4' }, 'unreadable_record'],
    ['a picture', { key: 'uploads/a.jpg' }, 'not_a_video'],
    ['a name that only contains an ending', { key: 'uploads/a.mp4.txt' }, 'not_a_video'],
    ['a video elsewhere', { key: 'other/a.mp4' }, 'outside_prefix'],
    ['a video in another bucket', { bucket: 'other' }, 'bucket_not_allowed'],
    ['a snapshot of ours', { bucket: 'snapshots', key: 'snapshots/uploads/a.mp4/0.jpg' }, 'own_output'],
    ['a record of ours', { bucket: 'snapshots', key: '.mpc-snapshots/claims/x/y.json' }, 'own_output'],
  ])('%s', (_, change, reason) => {
    expect(reasonToSkip({ ...upload, ...change } as typeof upload, settings)).toBe(reason);
  });

  test('a video below our own output never starts a capture, even in a shared bucket', () => {
    const shared = settingsWith({ SNAPSHOT_BUCKET: 'videos' });
    expect(reasonToSkip({ ...upload, key: 'snapshots/uploads/a.mp4/clip.mp4' }, shared)).toBe('own_output');
    expect(reasonToSkip(upload, shared)).toBeUndefined();
  });
});
