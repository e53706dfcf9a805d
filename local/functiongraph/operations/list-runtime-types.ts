import type { Operation } from '../operation';
import { runtimesOf } from '../region';

/** Lists the runtimes of the region; of those that are no Node.js there are none here. */
export const listRuntimeTypes: Operation = {
  method: 'GET',
  path: 'fgs/runtimetypes',
  handle: ({ behaviour }) => ({
    status: 200,
    body: runtimesOf(behaviour).map((type) => ({ type, display_name: type.replace('js', 'js ') })),
  }),
};
