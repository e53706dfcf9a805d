/** Takes pictures of a file with the engine alone, and prints how long that took in milliseconds. */

import { capture } from '../local/mpc/capture/capture-engine';

const [, , filePath = '', list = '[]'] = process.argv;
const points = JSON.parse(list) as (number | 'last')[];

const startedAt = performance.now();
for (const [index, point] of points.entries()) {
  const turn = { size: { maxLength: 640 }, point: { index, point }, nextPoint: points[index + 1] };
  capture({ id: 1, filePath }, turn);
}
console.log(performance.now() - startedAt);
