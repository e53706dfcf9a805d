import { availableParallelism } from 'node:os';
import { InstancePool, type Slot } from '../../../local/functiongraph/instance-pool';
import type { InstanceProcess } from '../../../local/functiongraph/instance-process';
import { LaunchLine } from '../../../local/functiongraph/launch-line';

/** A process that boots when the test says so. */
class Process {
  alive = true;
  readonly booted: Promise<void>;
  boot = () => {};

  constructor() {
    this.booted = new Promise((resolve) => {
      this.boot = resolve;
    });
  }

  async kill(): Promise<void> {
    this.alive = false;
  }
}

let launched: Process[];
let pool: InstancePool;

beforeEach(() => {
  jest.useFakeTimers();
  launched = [];
  pool = new InstancePool({
    launch: () => {
      const process = new Process();
      launched.push(process);
      return process as unknown as InstanceProcess;
    },
    launchLine: new LaunchLine(),
    maxInstances: () => -1,
    idleReclaimMs: 60_000,
    account: { running: 0, limit: 1000 },
    onRelease: () => {},
  });
});
afterEach(() => jest.useRealTimers());

/** Requests that come at the same time. */
const requests = (count: number): Slot[] => Array.from({ length: count }, () => pool.reserve()) as Slot[];

test('a burst of short requests is served by one instance', async () => {
  const slots = requests(20);
  const taken = slots.map((slot) => slot.take());
  for (const [index, slot] of slots.entries()) {
    expect(await taken[index]).toMatchObject({ instance: launched[0], cold: index === 0 });
    slot.release();
  }
  await jest.advanceTimersByTimeAsync(1000);
  expect(launched).toHaveLength(1);
});

describe('requests that find every instance busy', () => {
  const cores = availableParallelism();

  test('get processes of their own after 100 ms while cores are free, and beyond that after 400 ms', async () => {
    const taken = requests(cores + 1).map((slot) => slot.take());
    const boot = async () => {
      for (const process of launched) process.boot();
      await jest.advanceTimersByTimeAsync(0);
    };
    await jest.advanceTimersByTimeAsync(99);
    await boot();
    expect(launched).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    await boot();
    expect(launched).toHaveLength(cores);
    await jest.advanceTimersByTimeAsync(299);
    expect(launched).toHaveLength(cores);
    await jest.advanceTimersByTimeAsync(1);
    const all = await Promise.all(taken);
    expect(new Set(all.map((one) => one?.instance)).size).toBe(cores + 1);
    expect(all.every((one) => one?.cold)).toBe(true);
  });

  test('wait for 1.3 s while instances come back', async () => {
    const busy = requests(cores);
    const holding = busy.map((slot) => slot.take());
    await jest.advanceTimersByTimeAsync(100);
    await Promise.all(holding);
    expect(launched).toHaveLength(cores);
    const others = requests(6);
    const taken = others.map((slot) => slot.take());
    let holder = busy[0];
    for (const [index, slot] of others.slice(0, 5).entries()) {
      await jest.advanceTimersByTimeAsync(index === 0 ? 99 : 299);
      expect(launched).toHaveLength(cores);
      holder?.release();
      expect(await taken[index]).toMatchObject({ instance: launched[0], cold: false });
      holder = slot;
      await jest.advanceTimersByTimeAsync(1);
      for (const process of launched) process.boot();
    }
    expect(await taken[5]).toMatchObject({ instance: launched[cores], cold: true });
  });
});

test('no more processes boot at a time than the machine has cores', async () => {
  const cores = availableParallelism();
  for (const slot of requests(cores + 3)) void slot.take();
  await jest.advanceTimersByTimeAsync(1000);
  expect(launched).toHaveLength(cores);
  launched[0]?.boot();
  await jest.advanceTimersByTimeAsync(0);
  expect(launched).toHaveLength(cores + 1);
});

test('a request that still waits when its function is deleted gets no instance', async () => {
  const [first, second] = requests(2);
  await first?.take();
  const waiting = second?.take();
  await pool.close();
  expect(await waiting).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1000);
  expect(launched).toHaveLength(1);
});

test('an instance that could not initialise is forgotten: the next try gets a new process at once', async () => {
  const [slot] = requests(1);
  await slot?.take();
  await launched[0]?.kill();
  const again = await slot?.take();
  expect(again?.instance).toBe(launched[1]);
  slot?.release();
  await jest.advanceTimersByTimeAsync(0);
  expect((await requests(1)[0]?.take())?.instance).toBe(launched[1]);
});

test('a request that waited over an update leaves its new instance to others', async () => {
  const [first, second] = requests(2);
  await first?.take();
  const waiting = second?.take();
  await pool.retire();
  first?.release();
  expect(launched[0]?.alive).toBe(false);
  await jest.advanceTimersByTimeAsync(100);
  expect(await waiting).toMatchObject({ instance: launched[1], cold: true });
  second?.release();
  expect((await requests(1)[0]?.take())?.instance).toBe(launched[1]);
});

test('a function that is deleted gets no instance, even for a request that had a slot', async () => {
  const [slot] = requests(1);
  await pool.close();
  expect(await slot?.take()).toBeUndefined();
  expect(launched).toHaveLength(0);
});
