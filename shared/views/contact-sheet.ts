import { createHash } from 'node:crypto';
import { isPending } from '../cloud/mpc';
import type { Picture, TaskWithPictures } from './pictures';
import { clock } from './storyboard';

const STYLE =
  ':root{color-scheme:light dark}body{margin:0;padding:1rem;font:1rem/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}' +
  'h1{margin:0;font-size:1.25rem;overflow-wrap:anywhere}ol{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,max(9rem,15vw)),1fr));gap:1rem;margin:0;padding:0;list-style:none}' +
  'figure{margin:0}img{display:block;width:100%;aspect-ratio:16/9;object-fit:contain;background:#000}figcaption{text-align:center;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}';

/** The contact sheet of a task: one page without scripts, which loads only the pictures, and its headers. */
export function contactSheet(
  task: TaskWithPictures,
  pictureCount: number,
): { body: string; headers: Record<string, string> } {
  const { thumbnail_info: pictures = [], status, description } = task;
  const key = task.input?.object ?? `task ${task.task_id}`;
  const shown = pictures.length;
  const facts = [
    `Task ${task.task_id}`,
    status,
    shown === pictureCount
      ? `${shown} picture${shown === 1 ? '' : 's'}`
      : `${shown} of ${pictureCount} pictures`,
  ];
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(key)}</title><style>${STYLE}</style></head>
<body><main><h1><bdi>${escaped(key)}</bdi></h1>
<p>${escaped(facts.join(' · '))}${description ? `<br>${escaped(description)}` : ''}${isPending(task) ? ' <a href="">Look again</a>' : ''}</p>
<ol>${pictures.map((picture) => figure(picture, key)).join('\n')}</ol>
</main></body></html>
`;
  const origin = pictures.map(({ url }) => url && new URL(url).origin).find((found) => found);
  const style = createHash('sha256').update(STYLE).digest('base64');
  return {
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; img-src ${origin ?? "'none'"}; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  };
}

function figure({ pic_name, time, url }: Picture, key: string): string {
  const caption = time === null ? pic_name : clock(time).replace(/^00:0?|^0|\.?0{1,3}$/g, '');
  const image =
    url === undefined
      ? ''
      : `<img loading="lazy" src="${escaped(url)}" alt="${escaped(`${key} at ${caption}`)}">`;
  return `<li><figure>${image}<figcaption>${escaped(caption)}</figcaption></figure></li>`;
}

/** Object keys and names may contain any character. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
