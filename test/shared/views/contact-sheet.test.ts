import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { openInvocation } from '../../../shared/installation/invocation';
import { contactSheet } from '../../../shared/views/contact-sheet';
import { withPictures } from '../../../shared/views/pictures';
import { functionContext } from '../function-context';

const invocation = openInvocation(functionContext());

function sheetOf(
  key: string,
  names: readonly string[] = ['0.jpg', '65.jpg', '3725.jpg'],
  description?: string,
) {
  const task = {
    task_id: '7684',
    status: 'SUCCEEDED',
    input: { bucket: 'videos', object: key },
    output: { bucket: 'snapshots', object: `snapshots/${key}` },
    thumbnail_info: names.map((pic_name) => ({ pic_name })),
    ...(description !== undefined && { description }),
  };
  return contactSheet(withPictures(task, invocation), names.length);
}

describe('the contact sheet', () => {
  test('shows each frame with its time and a text in its place', () => {
    const { body } = sheetOf('a.mp4');
    const shown = [...body.matchAll(/<img loading="lazy" src="([^"]+)" alt="([^"]+)"><figcaption>([^<]+)</g)];
    expect(shown.map(([, , alt, caption]) => [alt, caption])).toEqual([
      ['a.mp4 at 0:00', '0:00'],
      ['a.mp4 at 1:05', '1:05'],
      ['a.mp4 at 1:02:05', '1:02:05'],
    ]);
  });

  test.each([
    [10, '0:10'],
    [600, '10:00'],
    [36_000, '10:00:00'],
    [1.5, '0:01.5'],
    [0.04, '0:00.04'],
  ])('writes %d s as %s', (seconds, text) => {
    const user_data = JSON.stringify({ 'mpc-snapshots': { time_ms: seconds * 1000 } });
    const task = {
      task_id: '1',
      status: 'SUCCEEDED',
      user_data,
      thumbnail_info: [{ pic_name: 'cover.jpg' }],
    };
    expect(contactSheet(withPictures(task, invocation), 1).body).toContain(
      `<figcaption>${text}</figcaption>`,
    );
  });

  test('allows its own style and pictures of its bucket, and nothing else', () => {
    const { body, headers } = sheetOf('a.mp4');
    const style = /<style>(.*?)<\/style>/s.exec(body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers['content-security-policy']?.split('; ')).toEqual([
      "default-src 'none'",
      'img-src https://snapshots.obs.ap-southeast-3.myhuaweicloud.com',
      `style-src 'sha256-${hash}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(body).not.toMatch(/<script|style=| on\w+=/);
  });

  test('lets nothing in a key, a name or a description become markup', () => {
    const hostile = fc.oneof(
      fc.string({
        unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', ' ', 'x', ';', '#', '-', '\u202e'),
      }),
      fc.constantFrom(
        '<img src=x onerror=alert(1)>',
        '"><script>alert(1)</script>',
        '</title><h1>',
        "' onload='x",
        '&lt;b&gt;',
      ),
    );
    const skeleton = (html: string) => html.replace(/[^<>"']/g, '');
    const harmless = skeleton(sheetOf('key', ['name'], 'why').body);
    fc.assert(
      fc.property(hostile, hostile, hostile, (key, name, description) => {
        expect(skeleton(sheetOf(`${key}k`, [name], `${description}d`).body)).toBe(harmless);
      }),
    );
  });

  test('offers a reload while the task runs, without scripts', () => {
    const sheet = (status: string) =>
      contactSheet(withPictures({ task_id: '1', status, thumbnail_info: [] }, invocation), 0).body;
    expect(sheet('PROCESSING')).toContain('<a href="">');
    expect(sheet('SUCCEEDED')).not.toContain('<a ');
  });

  test('names what it cannot show', () => {
    const packed = {
      task_id: '1',
      status: 'SUCCEEDED',
      output_file_name: '1.tar',
      thumbnail_info: [{ pic_name: '5.jpg' }],
    };
    const { body, headers } = contactSheet(withPictures(packed, invocation), 1);
    expect(body).toContain('<figcaption>0:05</figcaption>');
    expect(body).not.toContain('<img');
    expect(headers['content-security-policy']).toContain("img-src 'none'");
  });
});
