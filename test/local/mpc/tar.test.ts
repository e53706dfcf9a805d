import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TAR_END, tarEntry } from '../../../local/mpc/tar';

test('the tar of the operating system unpacks what was packed', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tar-'));
  try {
    const files = { '0.jpg': Buffer.alloc(512, 7), '11.jpg': Buffer.from('x'), 'empty.jpg': Buffer.alloc(0) };
    const entries = Object.entries(files).map(([name, content]) =>
      tarEntry(name, content, 1_700_000_000_000),
    );
    writeFileSync(path.join(directory, 'a.tar'), Buffer.concat([...entries, TAR_END]));
    const listing = execFileSync('tar', ['-tf', 'a.tar'], { cwd: directory, encoding: 'utf8' });
    expect(listing.trim().split('\n')).toEqual(Object.keys(files));
    execFileSync('tar', ['-xf', 'a.tar'], { cwd: directory, stdio: 'pipe' });
    for (const [name, content] of Object.entries(files)) {
      expect(readFileSync(path.join(directory, name))).toEqual(content);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a name that does not fit into the format is refused', () => {
  expect(() => tarEntry('x'.repeat(101), Buffer.alloc(1), 0)).toThrow('exceeds 100 bytes');
});
