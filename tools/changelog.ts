/* CHANGELOG.md as https://keepachangelog.com/en/1.1.0 says. */

const UNRELEASED = '## [Unreleased]';

/** What changed in a version: its own section, or what is not released yet; undefined where there is neither. */
export function notesOf(changelog: string, version: string): string | undefined {
  return sectionOf(changelog, `## [${version}]`) ?? sectionOf(changelog, UNRELEASED);
}

/** The changelog with what is not released yet under a version and its day. One that has the version stays as it is. */
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
