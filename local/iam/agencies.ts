/** A system role, a system policy or a custom policy, as IAM shows it. */
export interface Role {
  id: string;
  /** Of a custom policy `custom_…`, of a system role a short name that nobody sees elsewhere. */
  name: string;
  display_name: string;
  /** AX: of global services, XA: of services in regions, AA: of both. */
  type: 'AX' | 'XA' | 'AA';
  catalog: string;
  description: string;
  /** Null for what IAM has made itself. */
  domain_id: string | null;
  policy: {
    /** 1.0 of a role, 1.1 of a policy. */
    Version: '1.0' | '1.1';
    Statement: readonly {
      Effect: 'Allow' | 'Deny';
      Action: readonly string[];
      Resource?: readonly string[];
    }[];
  };
}

/** Whom the account trusts, and with what. */
export interface Agency {
  id: string;
  name: string;
  description?: string;
  trustDomainName: string;
  /** ISO 8601 in UTC; null: for ever. */
  expireTime: string | null;
  /** Rights in the project of the region. */
  projectRoles: readonly Role[];
  /** Rights on global services, OBS among them. */
  domainRoles: readonly Role[];
  /** Rights in all projects. */
  allProjectsRoles: readonly Role[];
}

/** Id of the one account, in the form of IAM's; nobody looks into it. */
export const DOMAIN_ID = '0000000000000000000000000000d0a1';
export const DOMAIN_NAME = 'local';

/** FunctionGraph under the name that agencies know it by. */
const FUNCTIONGRAPH_DOMAIN = 'op_svc_cff';

/** The only way to let somebody use MPC where IAM goes by roles and policies: MPC has no finer rights there. */
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

/** The agency of the functions, with the rights that docs/set-up-by-hand.md asks for. */
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
          Resource: ['notices', 'waiting', 'later'].map(
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
