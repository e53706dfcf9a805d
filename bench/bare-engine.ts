/** Takes pictures of a file with nothing around the engine, and prints how long that took in milliseconds. */

import { capture } from '../local/mpc/capture/capture-engine';

const [, , filePath = '', points = '[]'] = process.argv;
const indexed = (JSON.parse(points) as (number | 'last')[]).map((point, index) => ({ index, point }));

function run(): number {
  const startedAt = performance.now();
  for (const _frame of capture({ id: 1, filePath }, { size: { maxLength: 640 }, points: indexed })) {
    // The pictures themselves are not needed.
  }
  return performance.now() - startedAt;
}

console.log(run());
