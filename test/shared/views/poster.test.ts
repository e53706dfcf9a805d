import type { Task } from '../../../shared/cloud/mpc';
import { withPictures } from '../../../shared/views/pictures';
import { choosePoster } from '../../../shared/views/poster';
import { ServicesDouble } from '../services-double';

const services = new ServicesDouble();
beforeAll(() => services.start());
afterAll(() => services.stop());

/** The name of the picture that becomes the cover, of pictures with these sizes in bytes. */
async function coverOf(sizes: readonly number[]): Promise<string | undefined> {
  services.answer = () => ({
    body: sizes
      .map((size, index) => `<Contents><Key>dir/${index}.jpg</Key><Size>${size}</Size></Contents>`)
      .join(''),
  });
  const task: Task = {
    task_id: '1',
    status: 'SUCCEEDED',
    output: { bucket: 'snapshots', location: 'ap-southeast-3', object: 'dir' },
    thumbnail_info: sizes.map((_, index) => ({ pic_name: `${index}.jpg` })),
  };
  const invocation = services.invocation();
  const poster = await choosePoster(withPictures(task, invocation), invocation);
  return poster && new URL(poster.url).pathname.split('/').at(-1);
}

test.each([
  [[], undefined],
  [[9], '0.jpg'],
  [[900, 900, 900, 900], '1.jpg'],
  // A third of all is black.
  [[900, 900, 10, 900, 900, 900], '1.jpg'],
  // Only the very first shows something.
  [[900, 10, 10], '1.jpg'],
])('of pictures with %j bytes the cover is %s', async (sizes, expected) => {
  expect(await coverOf(sizes)).toBe(expected);
});
