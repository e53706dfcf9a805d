import type { Cloud } from '../../../local/cloud';
import { startDeployedCloud } from '../../../local/commands/deployed-cloud';
import type { Fault } from '../../../local/faults/faults';
import type { FaultShares } from '../../../local/faults/parse-faults';
import type { Invocation } from '../../../local/functiongraph/functiongraph';
import { until } from '../../wait';

const clouds: Cloud[] = [];
afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.close()));
});

/** A whole cloud in which nothing is captured, and what can be seen of it. */
async function start(shares: FaultShares, seed: number) {
  const faults: Fault[] = [];
  const invocations: Invocation[] = [];
  const cloud = await startDeployedCloud({
    port: 0,
    mpc: { parallelTasks: 0 },
    functiongraph: { behaviour: { asyncRetryDelayMs: 10, excessAsyncEvents: 'queued' } },
    faults: { shares, seed, onFault: (fault) => faults.push(fault) },
  });
  clouds.push(cloud);
  cloud.functiongraph.onInvocation((invocation) => invocations.push(invocation));
  const count = (...states: Invocation['state'][]) =>
    invocations.filter(({ state }) => states.includes(state)).length;
  let expected = 0;
  /** Resolves when every event of the upload, the second copy included, has been handled. */
  const upload = async (key: string) => {
    const before = faults.length;
    await cloud.store.put(cloud.uploadBucket, key, Buffer.from(key));
    const names = faults.slice(before).map(({ name }) => name);
    if (!names.includes('drop')) expected += names.includes('duplicate') ? 2 : 1;
    await until(() => count('queued') === expected && count('succeeded', 'failed') === expected, {
      what: `${key} is settled`,
    });
  };
  return { cloud, faults, invocations, upload };
}

test('a crash ends the instance in the middle of an attempt, and the next attempt gets another one', async () => {
  const { upload, invocations, cloud } = await start({ crash: 0.5 }, 4);
  await upload('a.mp4');
  await upload('b.mp4');
  await upload('c.mp4');
  const outcomes = invocations.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const crashed = outcomes.filter(({ isError }) => isError);
  expect(crashed.length).toBeGreaterThan(0);
  expect(crashed[0]?.body).toContain('the process ended with signal SIGKILL before it answered');
  const next = outcomes[outcomes.indexOf(crashed[0]!) + 1];
  expect(next?.cold).toBe(true);
  expect(cloud.mpc.tasks.list().length).toBeGreaterThan(0);
});

test('an expired key fails the attempt that uses it, and the next attempt has another key', async () => {
  const { upload, invocations } = await start({ credentials: 0.5 }, 1);
  for (const key of ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4']) await upload(key);
  const log = invocations.flatMap(({ outcome }) => outcome?.log ?? []).map(({ text }) => text);
  expect(log.some((text) => text.includes('credentials_rejected'))).toBe(true);
  expect(invocations.some(({ state }) => state === 'succeeded')).toBe(true);
});

test('faults hit only calls of functions, not uploads and other callers', async () => {
  const { cloud } = await start({ 'obs.503': 1, 'mpc.500': 1 }, 1);
  const response = await fetch(`${cloud.addresses.obs}/?apiversion`, { method: 'HEAD' });
  expect(response.status).toBe(200);
});

test('a run can be repeated: the same seed gives the same faults at the same places', async () => {
  const shares: FaultShares = {
    duplicate: 0.3,
    drop: 0.1,
    'mpc.reset-after-accept': 0.2,
    'obs.503': 0.1,
    'obs.reset-after': 0.1,
    crash: 0.1,
  };
  const run = async (seed: number) => {
    const { upload, faults } = await start(shares, seed);
    for (let number = 0; number < 5; number++) await upload(`replayed/${number}.mp4`);
    const names = [...new Set(faults.map(({ name }) => name))].sort();
    return Object.fromEntries(names.map((name) => [name, faults.filter((fault) => fault.name === name)]));
  };
  const [first, second, other] = await Promise.all([run(7), run(7), run(8)]);
  expect(Object.keys(first)).toEqual(expect.arrayContaining(['duplicate', 'obs.503']));
  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
});
