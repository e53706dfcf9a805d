import fc from 'fast-check';
import { DELETE, endAll, filesIn, jsonOf, objectsOf, withVideos } from '../../functions/finishing';
import type { Fate } from '../../model/functions-double';
import {
  ARCHIVE,
  InstallationDouble,
  SNAPSHOTS,
  timer,
  uploadRecord,
  VIDEOS,
} from '../../model/installation-double';

const MINUTE_MS = 60_000;

/** Of one video: what is neither a record of the whole installation. */
const left = (service: InstallationDouble) =>
  [...objectsOf(service).keys()].filter(
    (key) => !/^\.mpc-snapshots\/(pace|sweep|finish|removal)\.json$/.test(key),
  );

const accidents: Fate[] = ['crash-after', 'error-before'];

test('a removal that breaks off at any of its calls is completed later', async () => {
  for (const fate of accidents) {
    // Every other call, each kind of accident at its own half.
    for (let at = accidents.indexOf(fate); ; at += accidents.length) {
      const service = await withVideos(['a.mp4', 'b.mp4']);
      const others = left(service).filter((key) => key.includes('b.mp4'));
      await service.deliver([service.remove('a.mp4')]);
      const calls = jsonCalls(service);
      await service.finish([...Array<Fate>(at).fill('ok'), fate]);
      const made = jsonCalls(service) - calls;
      for (let round = 0; round < 2; round++) {
        await service.time.pass(MINUTE_MS);
        await service.finish();
      }
      expect({ fate, at, left: left(service).filter((key) => key.includes('a.mp4')) }).toEqual({
        fate,
        at,
        left: [],
      });
      expect(left(service).filter((key) => /\/(claims|tasks|finished|removed)\//.test(key))).toHaveLength(4);
      expect(left(service).filter((key) => key.includes('b.mp4'))).toEqual(others);
      if (made < at) break;
    }
  }
}, 60_000);

/** How many calls have been made. */
function jsonCalls(service: InstallationDouble): number {
  return service.cloud.calls;
}

test('a video that comes back while it is removed, the same or another one, has all its pictures in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 40, size: 'max' }),
      fc.constantFrom('a.mp4', 'another'),
      fc.constantFrom(0, 30),
      async (order, content, already) => {
        const service = await withVideos(['a.mp4']);
        await service.deliver([service.remove('a.mp4')]);
        // It is there before the first call of the function that its event starts, wherever the other one is by then.
        let etag = '';
        const serve = service.cloud.handle.bind(service.cloud);
        service.cloud.handle = (request) => {
          const isUpload = decodeURIComponent(JSON.stringify(request)).includes('on-upload:');
          if (isUpload && etag === '') ({ etag } = service.cloud.put(VIDEOS, 'a.mp4', content));
          return serve(request);
        };
        const event = { Records: [uploadRecord(VIDEOS, 'a.mp4', '')] };
        const turns = [...Array<boolean>(already).fill(false), ...order];
        const outcomes = await service.functions.invokeBoth(
          ['on-finish', 'on-upload'],
          [timer({}), event],
          turns,
        );
        expect(outcomes[0]?.kind).toBe('returned');
        for (let round = 0; round < 4; round++) {
          await service.time.pass(5 * MINUTE_MS);
          await service.sweep();
          endAll(service);
          await service.finish();
        }
        const newest = service.tasksOf('a.mp4').at(-1);
        expect(filesIn(service, 'snapshots/a.mp4')).toContain('0.jpg');
        const shown = jsonOf(service, 'snapshots/a.mp4/snapshots.json');
        expect(objectsOf(service).get('snapshots/a.mp4/0.jpg')?.body).toBe(`${shown.task_id} 0.jpg`);
        expect({ order, shown: shown.task_id, etag: shown.video.etag }).toEqual({
          order,
          shown: String(newest?.id),
          etag,
        });
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

/** Places and keys that come near each other on purpose. */
const KEYS = ['a.mp4', 'a.mov', 'a.mp4/b.mp4', 'a', 'b/a.mp4', 'a.b.mp4', '../a.mp4', 'ä +%.mp4'];
const DIRECTORIES = [
  'snapshots/{key}',
  'snapshots/{stem}',
  'snapshots/{bucket}/{key}',
  'snapshots/{key}/{etag}',
  'snapshots/{stem}-{bucket}',
];
const PARA = { type: 'DOTS', dots: [1] };
const CAPTURES = [
  '',
  JSON.stringify([
    { name: 'cover', thumbnail_para: PARA },
    { name: 'track', thumbnail_para: { type: 'TIME', time: 5 }, directory: 'tracks/{stem}' },
  ]),
];
const NAMES = ['0.jpg', '7.jpg', 'poster.jpg', 'snapshots.json', 'x.txt', 'sub/0.jpg', 'sprite-1.jpg'];

test('whatever videos, directories and captures there are, nothing that belongs to somebody else is ever deleted', async () => {
  const video = fc.record({ key: fc.constantFrom(...KEYS), bucket: fc.constantFrom(VIDEOS, ARCHIVE) });
  const videos = fc.uniqueArray(video, {
    minLength: 2,
    maxLength: 6,
    selector: (one) => JSON.stringify(one),
  });
  await fc.assert(
    fc.asyncProperty(
      videos,
      fc.constantFrom(...DIRECTORIES),
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      fc.array(fc.tuple(fc.constantFrom(...KEYS, ''), fc.constantFrom(...NAMES)), { maxLength: 6 }),
      fc.constantFrom('vtt,storyboard,poster,index', 'none', 'poster'),
      fc.constantFrom(...CAPTURES),
      async (all, directory, goes, foreign, publish, captures) => {
        const service = new InstallationDouble({
          userData: {
            ...DELETE,
            OUTPUT_DIRECTORY: directory,
            PUBLISH: publish,
            CAPTURES: captures,
            UPLOAD_SUFFIXES: '.mp4,.mov,.a,.',
          },
        });
        const mine = new Map<string, string>();
        for (const [key, name] of foreign) {
          const place = `snapshots/${key}/${name}`.replaceAll('//', '/');
          service.cloud.put(SNAPSHOTS, place, `of somebody ${place}`);
        }
        for (const { key, bucket } of all) {
          await service.deliver([service.upload(key, `${bucket} ${key}`, bucket)]);
          endAll(service);
          await service.finish();
        }
        const gone = all.filter((_, at) => goes[at]);
        const ids = new Set(
          gone.flatMap(({ key, bucket }) => service.tasksOf(key, bucket)).map(({ id }) => String(id)),
        );
        for (const [key, { body }] of objectsOf(service)) {
          if (!key.startsWith('snapshots/')) continue;
          // Pictures and covers begin with the id of their task, files name it or stand beside what names it.
          const owner = /^(\d+) /.exec(body)?.[1];
          if (body.startsWith('of somebody') || (owner !== undefined && !ids.has(owner))) mine.set(key, body);
        }
        for (const { key, bucket } of gone) await service.deliver([service.remove(key, bucket)]);
        await service.finish();
        await service.finish([], { whole: true });
        const after = objectsOf(service);
        for (const [key, body] of mine) expect([key, after.get(key)?.body]).toEqual([key, body]);
        for (const { id, body } of service.cloud.tasks) {
          if (ids.has(String(id))) continue;
          expect([body.input.object, after.has(`.mpc-snapshots/tasks/${id}.json`)]).toEqual([
            body.input.object,
            true,
          ]);
        }
        for (const id of ids) expect(after.has(`.mpc-snapshots/tasks/${id}.json`)).toBe(false);
      },
    ),
    { numRuns: 50 },
  );
}, 60_000);
