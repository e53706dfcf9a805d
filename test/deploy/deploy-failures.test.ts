import { DeployError } from '../../deploy/errors';
import {
  CloudToDeployTo,
  cleanState,
  codeFor,
  desiredOf,
  type Fate,
  secondVersion,
} from './cloud-to-deploy-to';

// Each deploys dozens of times.
jest.setTimeout(120_000);

/** So many calls a change takes from the first version to the second. */
async function callsOfChange(): Promise<number> {
  const one = await CloudToDeployTo.start();
  try {
    await one.deploy(await desiredOf('prod'), await codeFor(await desiredOf('prod')));
    one.calls.length = 0;
    const second = await desiredOf('prod', secondVersion);
    await one.deploy(second, await codeFor(second, 'second'));
    return one.calls.length;
  } finally {
    await one.stop();
  }
}

describe('a failure', () => {
  const CALLS_OF_FIRST = 19;

  /** 403 ends the run; the others are got over within it. */
  const FATES: readonly Fate[] = [403, 'lost-after', '500-after', 'lost-before', 429];

  test.each(FATES)(
    '%s at any call of a first deployment, then another run, gives the clean state',
    async (fate) => {
      const desired = await desiredOf('prod');
      const code = await codeFor(desired);
      const clean = await cleanState();
      for (let position = 0; position < CALLS_OF_FIRST; position += 1) {
        const one = await CloudToDeployTo.start();
        try {
          one.fates.push(...Array<Fate>(position).fill('pass'), fate);
          const run = one.deploy(desired, code);
          if (fate === 403) await expect(run).rejects.toThrow(DeployError);
          else await run;
          if (fate === 403) await one.deploy(desired, code);
          expect(one.state()).toEqual(clean);
        } finally {
          await one.stop();
        }
      }
    },
  );

  test.each([403, 'lost-after'] as const)(
    '%s at any call of a change, then another run, gives the clean state',
    async (fate) => {
      const first = await desiredOf('prod');
      const second = await desiredOf('prod', secondVersion);
      const clean = await cleanState(secondVersion, 'second');
      const [before, after] = [await codeFor(first), await codeFor(second, 'second')];
      const calls = await callsOfChange();
      // Looks; settings, code and asynchronous settings; a trigger that finds its place taken and one switched off; three
      // that are deleted and looked for; three in their places.
      expect(calls).toBe(1 + 5 * 3 + 5 + 5 + 1 + 2 + 3 * 2 + 3);
      for (let position = 0; position < calls; position += 1) {
        const one = await CloudToDeployTo.start();
        try {
          await one.deploy(first, before);
          one.fates.push(...Array<Fate>(position).fill('pass'), fate);
          await one
            .deploy(second, after)
            .catch((error: unknown) => expect(error).toBeInstanceOf(DeployError));
          await one.deploy(second, after);
          expect(one.state()).toEqual(clean);
        } finally {
          await one.stop();
        }
      }
    },
  );
});
