import type { Operation } from '../operation';
import { runtimesOf } from '../region';

/** Lists the runtimes of the region. The local cloud has only Node.js. */
export const listRuntimeTypes: Operation = {
  method: 'GET',
  path: 'fgs/runtimetypes',
  handle: ({ behaviour }) => ({
    status: 200,
    body: runtimesOf(behaviour).map((type) => ({ type, display_name: type.replace('js', 'js ') })),
  }),
};
