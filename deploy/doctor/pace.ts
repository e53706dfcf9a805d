import type { DesiredState } from '../desired-state';
import type { Finding } from './finding';

/** Create calls that MPC accepts from one project in a minute (MPC API reference, "Constraints"). */
export const CREATES_PER_MINUTE = 100;
/** The default of MPC_REQUESTS_PER_MINUTE. */
export const DEFAULT_PACE = 80;

/**
 * Checks that uploads and callers together stay within the create calls that MPC accepts in a minute: above that, callers
 * take what uploads need.
 */
export function checkPace({ access, functions }: DesiredState): Finding[] {
  const point = 'creates a minute';
  const create = access?.apis.find(({ method }) => method === 'POST');
  const onUpload = functions.find(({ key }) => key === 'on-upload');
  if (create === undefined || onUpload === undefined) return [];
  const uploads = Number(onUpload.userData.MPC_REQUESTS_PER_MINUTE ?? DEFAULT_PACE);
  const todo = `lower throttle.api of ${create.method} ${create.path} in serverless.yml, or MPC_REQUESTS_PER_MINUTE, so that both together are ${CREATES_PER_MINUTE} at most`;
  if (create.throttle === undefined) {
    return [
      {
        point,
        state: 'note',
        text: `callers have no limit, so they can use up the ${CREATES_PER_MINUTE} creates that MPC accepts, and uploads must wait`,
        todo,
      },
    ];
  }
  const callers = create.throttle.api;
  const sum = `${uploads} of uploads and ${callers} of callers`;
  if (uploads + callers <= CREATES_PER_MINUTE) {
    return [{ point, state: 'ok', text: `${sum}, of ${CREATES_PER_MINUTE} that MPC accepts` }];
  }
  return [
    {
      point,
      state: 'note',
      text: `${sum} are more than the ${CREATES_PER_MINUTE} that MPC accepts: callers can delay uploads`,
      todo,
    },
  ];
}
