import fc from 'fast-check';
import { applyChange } from '../../console/page/apply-change';
import { type ConsoleChange, type ConsoleState, LIMITS, type Task } from '../../console/server/console-api';

const nothing: ConsoleState = {
  service: {
    kind: 'local',
    name: 'local cloud',
    canWrite: true,
    region: 'r',
    uploadBucket: 'videos',
    snapshotBucket: 'snapshots',
    uploadPrefix: 'uploads/',
    commands: { start: '', startWithFile: '', listen: '', again: '' },
    unavailable: {},
  },
  uploads: [],
  tasks: [],
  events: [],
  invocations: [],
  timers: [],
  faults: { faults: [], seed: 0, hits: [] },
  requests: [],
  notices: [],
  mpcCalls: [],
  quota: { callsPerMinute: 100 },
  settings: [],
};

const task = (id: number, frameCount = 0): Task => ({
  id: String(id),
  status: 'PROCESSING',
  bucket: 'videos',
  key: `uploads/${id}.mp4`,
  createdAtMs: id,
  frameCount,
  isArchive: false,
});

test('whatever changes arrive, each task is listed once in its latest state, newest first', () => {
  const changes = fc.array(
    fc.uniqueArray(fc.tuple(fc.nat(20), fc.nat(99)), { selector: ([id]) => id, maxLength: 8 }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(changes, (list) => {
      const expected = new Map<number, Task>();
      let state = nothing;
      for (const change of list) {
        const tasks = change.map(([id, frameCount]) => task(id, frameCount));
        for (const changed of tasks) expected.set(Number(changed.id), changed);
        state = applyChange(state, { tasks });
      }
      const newestFirst = [...expected].sort(([a], [b]) => b - a).map(([, told]) => told);
      expect(state.tasks).toEqual(newestFirst);
    }),
  );
});

test('objects that a change does not name stay identical', () => {
  const before = applyChange(nothing, { tasks: [task(1), task(2)] });
  const after = applyChange(before, { tasks: [task(2, 5)], timers: [] });
  expect(after.uploads).toBe(before.uploads);
  expect(after.tasks[1]).toBe(before.tasks[1]);
  expect(after.tasks[0]?.frameCount).toBe(5);
});

test('a video that is uploaded again moves to the top, and a deleted one disappears', () => {
  const upload = (key: string, lastModifiedMs: number) => ({ key, sizeBytes: 1, lastModifiedMs });
  const change = (more: ConsoleChange, state: ConsoleState) => applyChange(state, more);
  let state = change({ uploads: [upload('b', 2), upload('a', 1)] }, nothing);
  state = change({ uploads: [upload('a', 3)] }, state);
  expect(state.uploads.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(change({ removedUploads: ['a'] }, state).uploads.map(({ key }) => key)).toEqual(['b']);
});

test('lists never grow beyond their limit', () => {
  const many = Array.from({ length: LIMITS.tasks }, (_, id) => task(id));
  const state = applyChange(applyChange(nothing, { tasks: many }), { tasks: [task(LIMITS.tasks)] });
  expect(state.tasks).toHaveLength(LIMITS.tasks);
  expect(state.tasks[0]?.id).toBe(String(LIMITS.tasks));
});
