import { type AccessPlan, planAccess } from './access/access';
import { adviceFor } from './advice';
import { apply } from './apply';
import type { Artifact } from './artifacts';
import { CallFailed } from './cloud-api';
import type { DesiredState } from './desired-state';
import { DeployError } from './errors';
import type { FunctionGraphApi } from './functiongraph-api';
import { liveState } from './live-state';
import { isEmpty, type Plan, type PlanOptions, plan } from './plan';

export interface DeployOptions extends PlanOptions {
  /** Stop after the plan. */
  dryRun?: boolean;
  /** Called with the plan before it is carried out; again only when answers were lost. */
  onPlan?: (plan: Plan, access: AccessPlan) => void;
}

/** Each round has less to do: it only repeats calls whose answers were lost. */
const ROUNDS = 3;

/**
 * Deploys a stage: compares the live state with the desired one and changes only the differences. It keeps no state of its
 * own, so it may be interrupted anywhere and run again.
 * @param artifacts the code of all functions
 * @throws DeployError with a line for every failure and obstacle
 */
export async function deploy(
  desired: DesiredState,
  artifacts: readonly Artifact[],
  api: FunctionGraphApi,
  { dryRun = false, onPlan, ...options }: DeployOptions = {},
): Promise<void> {
  const digests = Object.fromEntries(artifacts.map(({ key, digest }) => [key, digest]));
  const zips = Object.fromEntries(artifacts.map(({ key, zip }) => [key, zip]));
  for (let rounds = 1; ; rounds += 1) {
    const live = await withAdvice(() => liveState(api, desired, rounds > 1));
    const todo = plan(desired, live, digests, options);
    if (todo.refusals.length > 0) throw new DeployError(todo.refusals);
    const access = await withAdvice(() => planAccess(desired, api.cloud, options.only));
    onPlan?.(todo, access);
    if (dryRun || (isEmpty(todo) && access.steps.length === 0)) return;
    try {
      await apply(todo, zips, api);
      return await openAccess(desired, api, options.only);
    } catch (error) {
      const isWorthAnotherLook = error instanceof DeployError && error.isOutcomeUnknown && rounds < ROUNDS;
      if (isWorthAnotherLook) continue;
      const open = await closeApis(desired, api, options.only);
      if (open.length === 0 || !(error instanceof DeployError)) throw error;
      throw new DeployError([
        ...error.lines,
        `until another run succeeds, every user of Huawei Cloud may call ${open.join(', ')}: delete its trigger in the console if that must not wait`,
      ]);
    }
  }
}

/**
 * After a failure: binds the access policies that are still missing. With authentication IAM an API without one is open to
 * every user of the cloud.
 * @returns the APIs that are still open
 */
async function closeApis(
  desired: DesiredState,
  { cloud }: FunctionGraphApi,
  only: readonly string[] | undefined,
): Promise<string[]> {
  const open: string[] = [];
  try {
    const { steps, unlisted } = await planAccess(desired, cloud, only);
    for (const { closes, carryOut } of steps) {
      if (closes === undefined) continue;
      // Of those that are not listed, some were never made.
      if (!unlisted.includes(closes)) await carryOut().catch(() => open.push(closes));
    }
  } catch (error) {
    // The failure that led here is the one to report.
    if (!(error instanceof CallFailed)) throw error;
  }
  return open;
}

/** Sets callers, limits and policies, which need the APIs that the triggers created. */
async function openAccess(
  desired: DesiredState,
  { cloud }: FunctionGraphApi,
  only: readonly string[] | undefined,
): Promise<void> {
  try {
    const open = new Set<string>();
    // APIs that every user of the cloud may call wait for nothing.
    const closed = async (): Promise<AccessPlan> => {
      const plan = await planAccess(desired, cloud, only);
      for (const { closes, carryOut } of plan.steps) {
        if (closes === undefined) continue;
        open.add(closes);
        await carryOut();
      }
      return { ...plan, steps: plan.steps.filter(({ closes }) => closes === undefined) };
    };
    let plan = await closed();
    // A gateway may list an API only some time after its trigger was created.
    const areThere = await cloud.until('waiting for the gateway to list the APIs', async () => {
      if (plan.unlisted.length > 0) plan = await closed();
      return plan.unlisted.length === 0;
    });
    for (const { carryOut } of plan.steps) await carryOut();
    if (!areThere) {
      const isOpen = plan.unlisted.some((api) => open.has(api));
      throw new DeployError([
        `the gateway does not list ${plan.unlisted.join(', ')} yet, so callers and limits could not be set${isOpen ? ', and every user of Huawei Cloud may call what has authentication IAM among them' : ''}: run the command again in a few minutes`,
      ]);
    }
  } catch (error) {
    throw error instanceof CallFailed ? new DeployError([adviceFor(error)], error.isOutcomeUnknown) : error;
  }
}

/** Turns the failure of a call into one line with what to do. */
export async function withAdvice<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof CallFailed ? new DeployError([adviceFor(error)]) : error;
  }
}
