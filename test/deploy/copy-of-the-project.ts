import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..', '..');
/** What deploying needs. */
const PARTS = [
  'functions',
  'shared',
  'deploy',
  'package-folder.ts',
  'printable.ts',
  'serverless.yml',
  'package.json',
];

/** A copy of this project in a folder of its own, whose name begins like this. @returns the folder */
export function copyOfTheProject(name: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), name));
  for (const part of PARTS) cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}
