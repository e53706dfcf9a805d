import { spriteTrack } from '../../../shared/views/sprite-track';
import { ServicesDouble } from '../services-double';

const services = new ServicesDouble();
beforeAll(() => services.start());
afterAll(() => services.stop());

const TASK = {
  task_id: '7',
  status: 'SUCCEEDED' as const,
  output: { bucket: 'snapshots', location: 'cn-north-4', object: 'snapshots/a.mp4/' },
};
const track = (address: string) =>
  `WEBVTT\n\n00:00:00.000 --> 00:00:05.000\n${address}sprite-1.jpg#xywh=0,0,160,90\n`;
const serve = (files: Record<string, string>) => {
  services.answer = ({ url = '' }) => {
    const body = files[url.split('?')[0]?.split('/').at(-1) ?? ''];
    return body === undefined ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' } : { body };
  };
};

test.each(['', 'https://old.example.com/snapshots/a.mp4/'])(
  'sheets get addresses that can be fetched, whether the file names them as "%s" or not',
  async (address) => {
    serve({ 'sprite.vtt': track(address), 'snapshots.json': '{"task_id":"7"}' });
    const invocation = services.invocation({ PUBLIC_URL: 'https://cdn.example.com' });
    expect((await spriteTrack(TASK, invocation)).track).toBe(
      track('https://cdn.example.com/snapshots/a.mp4/'),
    );
    const { track: temporary } = await spriteTrack(TASK, services.invocation());
    expect(temporary).toMatch(/\/snapshots\/a\.mp4\/sprite-1\.jpg\?\S*Signature=\S+#xywh=0,0,160,90\n$/);
  },
);

test.each([
  ['nothing has been published yet', {}, true],
  ['its files exist without it', { 'snapshots.json': '{"task_id":"7"}' }, false],
  ['another task has written there', { 'sprite.vtt': track(''), 'snapshots.json': '{"task_id":"8"}' }, true],
])('there is no track if %s', async (_, files, mayCome) => {
  serve(files);
  expect(await spriteTrack(TASK, services.invocation())).toEqual({ mayCome });
});

test('there is no track in a bucket of somebody else', async () => {
  serve({ 'sprite.vtt': track('') });
  const output = { ...TASK.output, bucket: 'elsewhere' };
  expect(await spriteTrack({ ...TASK, output }, services.invocation())).toEqual({ mayCome: false });
});
