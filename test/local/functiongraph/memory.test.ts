import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startCloud } from './cloud';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a long-lived instance keeps nothing of the requests that it has answered', async () => {
  const cloud = await startCloud();
  try {
    await cloud.deploy('echo', 'exports.handler = async (event, context) => event.text;');
    const text = 'x'.repeat(200_000);
    const round = async () => {
      for (let request = 0; request < 50; request++)
        await cloud.functiongraph.invoke('echo', { text, request });
      cloud.invocations.length = 0;
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await round();
    const after = [await round(), await round(), await round()];
    // Fifty events and their answers would be 20 MB, in every round. Compiled code and the like come and go.
    expect(Math.min(...after) - before).toBeLessThan(10_000_000);
  } finally {
    await cloud.functiongraph.close();
  }
});
