import type { Operation } from '../operation';

/** Most functions of an account (FunctionGraph user guide, limits). */
const FUNCTION_QUOTA = 400;

/** The quota of functions and its use. Other quotas are not counted here. */
export const listQuotas: Operation = {
  method: 'GET',
  path: 'fgs/quotas',
  handle: ({ functions }) => ({
    status: 200,
    body: { quotas: { resources: [{ quota: FUNCTION_QUOTA, used: functions.size, type: 'fgs_func_num' }] } },
  }),
};
