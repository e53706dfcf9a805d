/* Reads and changes CHANGELOG.md, in the form of https://keepachangelog.com/en/1.1.0. */

const UNRELEASED = '## [Unreleased]';

/** The changes of a version: its own section, or the unreleased one. Undefined if both are missing. */
export function notesOf(changelog: string, version: string): string | undefined {
  return sectionOf(changelog, `## [${version}]`) ?? sectionOf(changelog, UNRELEASED);
}

/** Moves the unreleased changes to a version and its date. A changelog that already has the version stays unchanged. */
export function datedChangelog(changelog: string, version: string, day: string): string {
  if (changelog.includes(`## [${version}]`)) return changelog;
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${day}`);
}

function sectionOf(changelog: string, heading: string): string | undefined {
  const begin = changelog.indexOf(`\n${heading}`);
  if (begin < 0) return undefined;
  const afterHeading = changelog.indexOf('\n', begin + 1) + 1;
  const end = changelog.indexOf('\n## ', afterHeading);
  const text = changelog.slice(afterHeading, end < 0 ? undefined : end).trim();
  return text === '' ? undefined : text;
}
