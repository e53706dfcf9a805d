/** A system role, a system policy or a custom policy, as IAM shows it. */
export interface Role {
  id: string;
  /** `custom_…` for a custom policy. A system role has a short name that appears nowhere else. */
  name: string;
  display_name: string;
  /** AX: for global services, XA: for services in regions, AA: for both. */
  type: 'AX' | 'XA' | 'AA';
  catalog: string;
  description: string;
  /** Null if IAM itself has made it. */
  domain_id: string | null;
  policy: {
    /** 1.0 for a role, 1.1 for a policy. */
    Version: '1.0' | '1.1';
    Statement: readonly {
      Effect: 'Allow' | 'Deny';
      Action: readonly string[];
      Resource?: readonly string[];
    }[];
  };
}

/** A trusted account or service, and its rights. */
export interface Agency {
  id: string;
  name: string;
  description?: string;
  trustDomainName: string;
  /** ISO 8601 in UTC. Null: without end. */
  expireTime: string | null;
  /** Rights in the project of the region. */
  projectRoles: readonly Role[];
  /** Rights on global services, OBS among them. */
  domainRoles: readonly Role[];
  /** Rights in all projects. */
  allProjectsRoles: readonly Role[];
}

/** Id of the one account, in IAM's form. It has no meaning. */
export const DOMAIN_ID = '0000000000000000000000000000d0a1';
export const DOMAIN_NAME = 'local';

/** FunctionGraph's name in agencies. */
const FUNCTIONGRAPH_DOMAIN = 'op_svc_cff';

/** Where IAM uses roles and policies, only this role gives access to MPC: MPC has no finer rights there. */
export const MPC_ADMINISTRATOR: Role = {
  id: '0000000000000000000000000000e001',
  name: 'mpc_adm',
  display_name: 'MPC Administrator',
  type: 'XA',
  catalog: 'MPC',
  description: 'Media Processing Center Administrator',
  domain_id: null,
  policy: { Version: '1.0', Statement: [{ Effect: 'Allow', Action: ['mpc:mpc:*'] }] },
};

/** A custom policy for global services. */
export function customPolicy(displayName: string, statements: Role['policy']['Statement']): Role {
  return {
    id: '0000000000000000000000000000e002',
    name: `custom_${DOMAIN_ID}_${displayName}`,
    display_name: displayName,
    type: 'AX',
    catalog: 'CUSTOMED',
    description: '',
    domain_id: DOMAIN_ID,
    policy: { Version: '1.1', Statement: statements },
  };
}

/** The agency of the functions, with the rights in docs/set-up-by-hand.md. */
export function functionsAgency(uploadBucket: string, snapshotBucket: string): Agency {
  return {
    id: '0000000000000000000000000000a9e1',
    name: 'mpc-snapshots',
    trustDomainName: FUNCTIONGRAPH_DOMAIN,
    expireTime: null,
    projectRoles: [MPC_ADMINISTRATOR],
    domainRoles: [
      customPolicy('mpc-snapshots', [
        {
          Effect: 'Allow',
          Action: ['obs:bucket:ListBucket'],
          Resource: [`OBS:*:*:bucket:${uploadBucket}`, `OBS:*:*:bucket:${snapshotBucket}`],
        },
        {
          Effect: 'Allow',
          Action: ['obs:object:GetObject', 'obs:object:PutObject'],
          Resource: [`OBS:*:*:object:${snapshotBucket}/*`],
        },
        {
          Effect: 'Allow',
          Action: ['obs:object:DeleteObject'],
          Resource: ['notices', 'waiting', 'later', 'found'].map(
            (folder) => `OBS:*:*:object:${snapshotBucket}/.mpc-snapshots/${folder}/*`,
          ),
        },
        {
          Effect: 'Allow',
          Action: ['obs:bucket:HeadBucket', 'obs:bucket:CreateBucket'],
          Resource: [`OBS:*:*:bucket:${snapshotBucket}`],
        },
      ]),
    ],
    allProjectsRoles: [],
  };
}
