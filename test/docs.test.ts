import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const markdownIn = (folder: string) =>
  readdirSync(path.join(ROOT, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file));

/** What a user reads. */
const PAGES = ['README.md', ...markdownIn('docs')];
const EVERYTHING = [...markdownIn('.'), ...markdownIn('docs'), 'local/FIDELITY.md', 'bench/README.md'];

const withoutCode = (text: string) => text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');

/** The names under which the headings of a page can be linked to, as GitHub makes them. */
function anchorsOf(file: string): string[] {
  const headings = read(file)
    .replace(/^```.*?^```$/gms, '')
    .matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

test.each(EVERYTHING)('every link of %s leads somewhere', (file) => {
  const dead = [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [name = '', anchor] = link.split('#');
      const target = name === '' ? file : path.join(path.dirname(file), name);
      if (!existsSync(path.join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
  expect(dead).toEqual([]);
});

test.each(PAGES)('every shell block of %s is run by a test, or says why not', (file) => {
  const lines = read(file).split('\n');
  const unmarked = lines.filter(
    (line, index) => line === '```sh' && !/^<!-- (run|not run: .{10,}) -->$/.test(lines[index - 1] ?? ''),
  );
  expect(unmarked).toEqual([]);
});

test.each([
  ['README.md', 150],
  ['CONTRIBUTING.md', 100],
  ...markdownIn('docs').map((file): [string, number] => [file, 200]),
])('%s is short enough to be read: at most %i lines', (file, limit) => {
  expect(read(file).trimEnd().split('\n').length).toBeLessThanOrEqual(limit);
});
