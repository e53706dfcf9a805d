import type { Operation } from '../operation';

/** Functions that an account may have (FunctionGraph user guide, limits). */
const FUNCTION_QUOTA = 400;

/** How many functions there may be and how many there are; other quotas are not counted here. */
export const listQuotas: Operation = {
  method: 'GET',
  path: 'fgs/quotas',
  handle: ({ functions }) => ({
    status: 200,
    body: { quotas: { resources: [{ quota: FUNCTION_QUOTA, used: functions.size, type: 'fgs_func_num' }] } },
  }),
};
