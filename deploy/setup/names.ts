import { createHash } from 'node:crypto';
import { ownerMark } from '../desired-state';

/** Which stage of which service. */
export interface Stage {
  service: string;
  stage: string;
}

/** What setup calls the things that it makes, where the environment does not name others. */
export interface Names {
  uploadBucket: string;
  snapshotBucket: string;
  /** All that `serverless.yml` names, where it names more. */
  buckets: readonly string[];
  agency: string;
  policy: string;
  apiGroup: string;
  logGroup: string;
  logStream: string;
  topic: string;
  /** SMN shows no other text of a topic in its list: by this one setup knows its own. Letters, spaces and hyphens only. */
  topicDisplayName: string;
  /** Stands in descriptions and remarks of what setup made, as in those of functions. */
  mark: string;
  /** The tag of what has no description. */
  tag: { key: string; value: string };
}

/**
 * Names follow from stage and project alone, so that a run that was stopped finds its own things again. Buckets have
 * the world for name space: a part of the project's hash makes them rare.
 */
export function namesOf(
  { service, stage }: Stage,
  projectId: string,
  environment: Readonly<Record<string, string | undefined>>,
): Names {
  const base = `${service}-${stage}`;
  const given = (name: string) => environment[name]?.trim() || undefined;
  const rare = createHash('sha256').update(projectId).digest('hex').slice(0, 8);
  const bucket = (what: string) => {
    const start = base
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .slice(0, 40);
    return `${start}-${what}-${rare}`;
  };
  return {
    uploadBucket: given('UPLOAD_BUCKET') ?? bucket('videos'),
    snapshotBucket: given('SNAPSHOT_BUCKET') ?? bucket('snapshots'),
    buckets: [],
    agency: given('AGENCY') ?? base,
    policy: base,
    apiGroup: base.replaceAll(/\W/g, '_').slice(0, 64),
    logGroup: base.slice(0, 64),
    logStream: 'functions',
    topic: base.replaceAll(/[^\w-]/g, '-').slice(0, 255),
    topicDisplayName: `Made by setup of ${service} ${stage}`,
    mark: ownerMark({ service, stage }),
    tag: { key: 'serverless', value: `${service}/${stage}` },
  };
}
