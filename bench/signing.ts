import { childProgram } from '../local/child-program';
import { runNode } from './process';
import { medianOf, type Series, type Suite } from './suite';

/** The cost of signing: a request to MPC, and the addresses of a task's pictures. */
export const signing: Suite = {
  name: 'signing',
  about:
    'One signed MPC request, compared with the vendor’s signer, and the addresses of 100 pictures, compared with the vendor’s OBS client.',
  async run() {
    const program = childProgram('../bench/signing-program.ts');
    const { requests, pictures } = (await runNode([program])) as { requests: Series[]; pictures: Series[] };
    return {
      tables: [
        {
          title: 'a POST with a body of 400 characters, including its JSON',
          unit: 'µs',
          series: requests,
        },
        { title: 'addresses of 100 pictures, all together', unit: 'µs', series: pictures },
      ],
      goals: [
        {
          text: 'signing, times faster than the vendor’s signer',
          measured: medianOf(requests, 'vendor AKSKSigner') / medianOf(requests, 'signRequest'),
          atLeast: 3,
        },
        { text: 'addresses of 100 pictures, µs', measured: medianOf(pictures, 'withPictures'), atMost: 1000 },
      ],
    };
  },
};
